// docs/protocol.md, "Handshake and password": public keys and ciphertexts, H1 to H4.

import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { expect, test } from 'vitest';
import { encryptFor, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';
import { phone, startAttackedServices } from './attacked-services.ts';
import { distinguishable, encryptedPassword, openHandshake } from './pairing-steps.ts';

const goodPassword = 'correct horse';

const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();

/** An RSA public key of any size and exponent; nobody knows its private key. */
function weakKey(bits: number, exponent = 65_537): string {
  const modulus = randomBytes(bits / 8);
  modulus[0] = 0xff;
  modulus[modulus.length - 1] = 0xff;
  const e = Buffer.from(exponent.toString(16).padStart(8, '0'), 'hex');
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: e.toString('base64url') };
  return pemOf(createPublicKey({ key: jwk, format: 'jwk' }));
}

test('H1 a public key that is malformed, private, weak, huge or no RSA gets 400, and nothing is paused', async () => {
  const services = await startAttackedServices();
  const init = await openSession(services.gateway, 'alice');
  const url = handshakeUrlOf(services.gateway, init);
  const socket = await openSocket(init);
  await socket.next();
  const small = generateKeyPairSync('rsa', { modulusLength: 512 });
  const bad: Record<string, unknown> = {
    empty: '',
    'no PEM': 'x',
    'a number': 7,
    null: null,
    'an object': { key: phone.publicKeyPem },
    'a PEM of nothing': '-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----',
    'a PEM cut short': phone.publicKeyPem.slice(0, 200),
    'two keys': phone.publicKeyPem + phone.publicKeyPem,
    'a private key': phone.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    'an old private key': phone.privateKey.export({ type: 'pkcs1', format: 'pem' }),
    '512 bits': pemOf(small.publicKey),
    '1024 bits': weakKey(1_024),
    '16,384 bits': weakKey(16_384),
    'e = 1': weakKey(2_048, 1),
    'e = 3': weakKey(2_048, 3),
    'an even e': weakKey(2_048, 65_538),
    EC: pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
    ed25519: pemOf(generateKeyPairSync('ed25519').publicKey),
    'RSA for PSS only': pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey),
    'with a NUL': `${phone.publicKeyPem}\0`,
  };
  for (const [what, public_key] of Object.entries(bad)) {
    const { status, text } = await post(url, { public_key });
    expect([what, status]).toEqual([what, 400]);
    expect(text).not.toMatch(/BEGIN (RSA )?PRIVATE|\n/);
  }
  await socket.settled();
  expect(socket.unread).toEqual([]);
  await pair(url, phone, goodPassword);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
});

/** The good ciphertext plus the modulus: the same number to careless arithmetic, and just as long. */
function plusModulus(serverKey: string): Buffer {
  const { n = '' } = createPublicKey(serverKey).export({ format: 'jwk' });
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
  for (;;) {
    const sum = modulus + BigInt(`0x${encryptFor(serverKey, Buffer.from(goodPassword)).toString('hex')}`);
    if (sum < 1n << 2048n) return Buffer.from(sum.toString(16).padStart(512, '0'), 'hex');
  }
}

/** A good ciphertext that is one byte shorter, because its number is: RFC 8017 wants the key's whole length. */
function withoutLeadingZero(serverKey: string): Buffer {
  for (;;) {
    const ciphertext = encryptFor(serverKey, Buffer.from(goodPassword));
    if (ciphertext[0] === 0) return ciphertext.subarray(1);
  }
}

test('H3 padding oracle: every invalid ciphertext gets the same status and body, and is not forwarded', async () => {
  const services = await startAttackedServices({ set: ['limits.passwords=off'] });
  const { url, serverKey } = await openHandshake(services);
  const good = encryptFor(serverKey, Buffer.from(goodPassword));
  const below = randomBytes(256).fill(0, 0, 1);
  const { n = '' } = createPublicKey(serverKey).export({ format: 'jwk' });
  const flipped = Buffer.from(good);
  flipped[100] = (flipped[100] ?? 0) ^ 1;
  const raw = (block: Buffer) => publicEncrypt({ key: serverKey, padding: constants.RSA_NO_PADDING }, block);
  const bad: Record<string, Uint8Array | string> = {
    random: below,
    'one bit off': flipped,
    'above n': Buffer.alloc(256, 0xff),
    'n itself': Buffer.from(n, 'base64url'),
    'the good one plus n': plusModulus(serverKey),
    zero: Buffer.alloc(256),
    one: Buffer.alloc(256).fill(1, 255),
    short: good.subarray(1),
    'short by a leading zero': withoutLeadingZero(serverKey),
    long: Buffer.concat([Buffer.alloc(1), good]),
    twice: Buffer.concat([good, good]),
    empty: '',
    'not base64': '!!!!',
    'first byte of the block not zero (Manger)': raw(randomBytes(256).fill(0x01, 0, 1)),
    'first byte of the block zero (Manger)': raw(randomBytes(256).fill(0x00, 0, 1)),
    'wrong label': encryptFor(serverKey, Buffer.from(goodPassword), 'label'),
    'SHA-1': publicEncrypt({ key: serverKey, oaepHash: 'sha1' }, Buffer.from(goodPassword)),
    'MGF1-SHA-256': publicEncrypt({ key: serverKey, oaepHash: 'sha256' }, Buffer.from(goodPassword)),
    'PKCS#1 v1.5': publicEncrypt(
      { key: serverKey, padding: constants.RSA_PKCS1_PADDING },
      Buffer.from(goodPassword),
    ),
  };
  const wrong = distinguishable(await post(url, { password: encryptedPassword(serverKey, 'wrong') }));
  expect(wrong).toMatchObject({ status: 401, text: 'failed to authenticate' });
  expect(services.passwordChecks()).toBe(1);
  for (const [what, bytes] of Object.entries(bad)) {
    const password = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('base64');
    expect([what, distinguishable(await post(url, { password }))]).toEqual([what, wrong]);
  }
  expect(services.passwordChecks()).toBe(1);
  expect(services.storedRecords()).toEqual({});
  expect((await post(url, { password: good.toString('base64') })).status).toBe(200);
});

test('H4 a password of 100 KB or of invalid UTF-8 is answered as a wrong one', async () => {
  const services = await startAttackedServices({ set: ['limits.passwords=off'] });
  const { url, serverKey } = await openHandshake(services);
  const wrong = distinguishable(await post(url, { password: encryptedPassword(serverKey, 'wrong') }));
  const noText = [
    randomBytes(100 * 1024).toString('base64'),
    encryptedPassword(serverKey, [0xff, 0xfe]),
    encryptedPassword(serverKey, [0xc0, 0x80]),
    encryptedPassword(serverKey, [0xed, 0xa0, 0x80]),
  ];
  for (const password of noText) expect(distinguishable(await post(url, { password }))).toEqual(wrong);
  expect(services.passwordChecks()).toBe(1);
  // Odd text is text: a byte order mark and a NUL are part of the password.
  for (const text of [`\ufeff${goodPassword}`, `${goodPassword}\0`, '']) {
    expect(distinguishable(await post(url, { password: encryptedPassword(serverKey, text) }))).toEqual(wrong);
  }
  expect((await post(url, { password: 'A'.repeat(300 * 1024) })).status).toBe(413);
  expect(services.storedRecords()).toEqual({});
  expect((await post(url, { password: encryptedPassword(serverKey, goodPassword) })).status).toBe(200);
});

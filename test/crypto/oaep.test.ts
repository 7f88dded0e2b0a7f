// The padding that Android phones use, compared with the real openssl in both directions.

import { execFileSync } from 'node:child_process';
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { oaepDecrypt, oaepEncrypt } from '../../src/crypto/oaep.ts';

const options = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha1'];
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'swob-oaep-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function openssl(
  direction: '-encrypt' | '-decrypt',
  keyPem: string,
  input: Uint8Array,
  pkeyopts: readonly string[] = options,
): Buffer {
  const key = join(folder, 'key.pem');
  writeFileSync(key, keyPem);
  const kind = direction === '-encrypt' ? ['-pubin'] : [];
  return execFileSync(
    'openssl',
    ['pkeyutl', direction, '-inkey', key, ...kind, ...pkeyopts.flatMap((option) => ['-pkeyopt', option])],
    { input, stdio: ['pipe', 'pipe', 'ignore'] },
  );
}

const pair = (bits: number) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    publicPem: publicKey,
    privatePem: privateKey,
    publicKey: createPublicKey(publicKey),
    privateKey: createPrivateKey(privateKey),
  };
};

// 2050 and 2052 bits: the modulus does not fill its first byte.
describe.each([2048, 2050, 2052, 3072, 4096])('with a key of %i bits', (bits) => {
  const keys = pair(bits);
  const maxMessageBytes = Math.ceil(bits / 8) - 66;

  test.each([1, 32, maxMessageBytes])('decrypts what openssl encrypted (%i bytes)', (length) => {
    const message = randomBytes(length);
    const ciphertext = openssl('-encrypt', keys.publicPem, message);
    expect(oaepDecrypt(keys.privateKey, ciphertext)).toEqual(message);
  });

  test.each([1, 32, maxMessageBytes])('openssl decrypts what was encrypted here (%i bytes)', (length) => {
    const message = randomBytes(length);
    const ciphertext = oaepEncrypt(keys.publicKey, message);
    expect(ciphertext).toHaveLength(Math.ceil(bits / 8));
    expect(openssl('-decrypt', keys.privatePem, ciphertext)).toEqual(message);
  });

  test('refuses to encrypt one byte more than fits', () => {
    expect(() => oaepEncrypt(keys.publicKey, randomBytes(maxMessageBytes + 1))).toThrow(
      expect.objectContaining({
        code: 'BAD_INPUT',
        message: expect.stringContaining(`at most ${maxMessageBytes}`),
      }),
    );
  });
});

describe('with one key', () => {
  const keys = pair(2048);
  const decrypt = (ciphertext: Uint8Array) => oaepDecrypt(keys.privateKey, ciphertext);

  test('every message survives a round trip', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 190 }), (message) => {
        expect(decrypt(oaepEncrypt(keys.publicKey, message))).toEqual(Buffer.from(message));
      }),
      { numRuns: 100 },
    );
  });

  test('the same message never has the same ciphertext', () => {
    const message = Buffer.from('secret');
    expect(oaepEncrypt(keys.publicKey, message)).not.toEqual(oaepEncrypt(keys.publicKey, message));
  });

  test('random bytes of any length give undefined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (ciphertext) => decrypt(ciphertext) === undefined),
      { numRuns: 100 },
    );
  });

  test('one flipped bit gives undefined', () => {
    const ciphertext = oaepEncrypt(keys.publicKey, Buffer.from('secret'));
    fc.assert(
      fc.property(fc.nat(2047), (bit) => {
        const changed = Buffer.from(ciphertext);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        return decrypt(changed) === undefined;
      }),
      { numRuns: 50 },
    );
  });

  const modulus = Buffer.from(String(keys.publicKey.export({ format: 'jwk' }).n), 'base64url');
  const message = Buffer.from('secret');
  const raw = (block: Buffer) =>
    publicEncrypt({ key: keys.publicKey, padding: constants.RSA_NO_PADDING }, block);
  const failures: Record<string, () => Uint8Array> = {
    'an empty ciphertext': () => Buffer.alloc(0),
    'one byte short': () => oaepEncrypt(keys.publicKey, message).subarray(1),
    'one byte long': () => Buffer.concat([oaepEncrypt(keys.publicKey, message), Buffer.alloc(1)]),
    'one zero byte before it': () => Buffer.concat([Buffer.alloc(1), oaepEncrypt(keys.publicKey, message)]),
    'the modulus itself': () => modulus,
    'above the modulus': () => Buffer.alloc(256, 0xff),
    zero: () => Buffer.alloc(256),
    'random below the modulus': () => Buffer.concat([Buffer.alloc(1), randomBytes(255)]),
    'no padding at all': () => raw(Buffer.concat([Buffer.alloc(250), message])),
    'a block that begins with a one (Manger)': () => raw(Buffer.concat([Buffer.from([1]), randomBytes(255)])),
    'PKCS#1 v1.5': () =>
      publicEncrypt({ key: keys.publicKey, padding: constants.RSA_PKCS1_PADDING }, message),
    'SHA-256 for both hashes': () => publicEncrypt({ key: keys.publicKey, oaepHash: 'sha256' }, message),
    'SHA-1 for both hashes': () => publicEncrypt({ key: keys.publicKey, oaepHash: 'sha1' }, message),
    'another label': () =>
      openssl('-encrypt', keys.publicPem, message, [...options, 'rsa_oaep_label:6c6162656c']),
    "another key's ciphertext": () => oaepEncrypt(pair(2048).publicKey, message),
  };
  test.each(Object.entries(failures))('%s gives undefined', (_name, make) => {
    expect(decrypt(make())).toBeUndefined();
  });

  test('a ciphertext that begins with a zero byte is decrypted, and rejected without that byte', () => {
    let ciphertext = oaepEncrypt(keys.publicKey, message);
    while (ciphertext[0] !== 0) ciphertext = oaepEncrypt(keys.publicKey, message);
    expect(decrypt(ciphertext)).toEqual(message);
    expect(decrypt(ciphertext.subarray(1))).toBeUndefined();
  });
});

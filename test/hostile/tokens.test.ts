// Tokens made to attack, sent to the running disconnect service (HOSTILE.md J1–J10): each is refused in its
// own words, and the PCRF never hears of one.

import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  base64url,
  hs256,
  opensslToken,
  other,
  privateKey,
  publicKey,
  publicPem,
  rs256,
  sampleClaims,
  sampleTime,
} from '../crypto/handmade-token.ts';
import {
  ask,
  expectFailure,
  expectNoTrace,
  expectRefused,
  expectService,
  startDisconnect,
  tokenWith,
} from '../support/disconnect.ts';
import { needs } from '../support/needs.ts';
import { post } from '../support/phone.ts';
import { startRawServer } from '../upstream/raw-server.ts';

const noMatch = 'its signature does not match the key';
const payload = base64url(JSON.stringify(sampleClaims));
const withHeader = (header: object): string => rs256(sampleClaims, { alg: 'RS256', ...header });

test('J1 alg none, however it is written and signed, is refused', async () => {
  const world = await startDisconnect();
  for (const alg of ['none', 'NONE', 'nOnE']) {
    const input = `${base64url(JSON.stringify({ alg }))}.${payload}`;
    await expectRefused(world, `${input}.`, 'its signature is empty');
    await expectRefused(world, input, 'it has 2 parts, not 3 (header.payload.signature)');
    await expectRefused(world, `${input}.AAAA`, `alg is "${alg}"; only RS256 is accepted`);
    await expectRefused(world, withHeader({ alg }), `alg is "${alg}"; only RS256 is accepted`);
  }
  await expectService(world);
});

test('J2 HS256 with the public key as the secret is refused', async () => {
  const world = await startDisconnect();
  const der = publicKey.export({ type: 'spki', format: 'der' });
  for (const secret of [publicPem, publicPem.trimEnd(), der]) {
    await expectRefused(world, hs256(sampleClaims, secret), 'alg is "HS256"; only RS256 is accepted');
    await expectRefused(world, hs256(sampleClaims, secret, { alg: 'RS256' }), noMatch);
  }
  await expectService(world);
});

test('J3 another algorithm than the configured one is refused, good signature or not', async (context) => {
  needs(context, { command: 'openssl' });
  const world = await startDisconnect();
  const only = (alg: string): string => `alg is "${alg}"; only RS256 is accepted`;
  await expectRefused(world, opensslToken(sampleClaims, 'sha384', 'RS384'), only('RS384'));
  const pss = (alg: string): string => {
    const input = `${base64url(JSON.stringify({ alg }))}.${payload}`;
    const key = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    return `${input}.${base64url(sign('sha256', Buffer.from(input), key))}`;
  };
  await expectRefused(world, pss('PS256'), only('PS256'));
  await expectRefused(world, pss('RS256'), noMatch);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  await expectRefused(world, rs256(sampleClaims, { alg: 'ES256' }, ec), only('ES256'));
  for (const header of [{}, { alg: null }, { alg: ['RS256'] }]) {
    await expectRefused(world, rs256(sampleClaims, header), 'alg is missing');
  }
  await expectService(world, opensslToken(sampleClaims, 'sha256', 'RS256'));
});

test('J4 keys in the header, or that it points to, are never used and never fetched', async () => {
  const world = await startDisconnect();
  const bait = await startRawServer((socket) => void socket.end());
  const url = `http://127.0.0.1:${bait.port}/keys`;
  const headers = [
    { jwk: other.publicKey.export({ format: 'jwk' }) },
    { jku: url },
    { x5u: url },
    { x5c: [other.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
  ];
  for (const header of headers) {
    const forged = rs256(sampleClaims, { alg: 'RS256', ...header }, other.privateKey);
    await expectRefused(world, forged, noMatch);
    // Ours counts by our key, whatever else it carries.
    await expectService(world, withHeader(header));
  }
  expect(bait.accepted).toHaveLength(0);
});

test('J5 a kid that is a path, SQL or very long is refused, and a plain one chooses nothing', async () => {
  const world = await startDisconnect();
  for (const kid of [
    '../../../../dev/null',
    '/etc/passwd',
    "x' UNION SELECT 'k'--",
    'k\0',
    'a'.repeat(257),
    7,
  ]) {
    await expectRefused(world, withHeader({ kid }), 'kid is not a plain key id');
  }
  const long = withHeader({ kid: 'a'.repeat(10_240) });
  expectFailure(await ask(world, long), 400, 'token longer than 8192 characters');
  expectNoTrace(world, long);
  await expectService(world, withHeader({ kid: 'doors-2019' }));
});

test('J6 crit and b64 are refused', async () => {
  const world = await startDisconnect();
  await expectRefused(world, withHeader({ crit: ['exp'] }), 'crit in its header is not supported');
  await expectRefused(world, withHeader({ crit: [] }), 'crit in its header is not supported');
  await expectRefused(
    world,
    withHeader({ b64: false, crit: ['b64'] }),
    'crit in its header is not supported, b64 in its header is not supported',
  );
  await expectService(world);
});

test('J7 JWE, JSON serialisation, several signatures and zip are refused', async () => {
  const world = await startDisconnect();
  const good = withHeader({});
  const [header = '', claims = '', signature = ''] = good.split('.');
  const jwe = [base64url('{"alg":"RSA-OAEP","enc":"A256GCM"}'), 'AAAA', 'AAAA', 'AAAA', 'AAAA'].join('.');
  await expectRefused(world, jwe, 'it has 5 parts, not 3 (header.payload.signature)');
  await expectRefused(world, `${good}.${signature}`, 'it has 4 parts, not 3 (header.payload.signature)');
  const flattened = { protected: header, payload: claims, signature };
  await expectRefused(world, JSON.stringify(flattened), 'it has 1 parts, not 3 (header.payload.signature)');
  for (const token of [
    flattened,
    { payload: claims, signatures: [{ protected: header, signature }] },
    [good],
  ]) {
    expectFailure(await post(`${world.url}/disconnect`, { token }), 400, 'more than one token, or no text');
  }
  for (const name of ['zip', 'enc']) {
    await expectRefused(world, withHeader({ [name]: 'DEF' }), `${name} in its header is not supported`);
  }
  expect(world.calls()).toBe(0);
  await expectService(world);
});

test('J8 exp has to be there, and to be a positive number', async () => {
  const world = await startDisconnect();
  await expectRefused(world, tokenWith({ exp: undefined }), 'exp is missing');
  for (const exp of ['1559351580', [1_559_351_580], null, {}, true, -1, 0]) {
    await expectRefused(world, tokenWith({ exp }), 'exp is not a positive number');
  }
  const huge = JSON.stringify(sampleClaims).replace('1559351580', '1e400');
  await expectRefused(world, rs256(huge), 'exp is not a positive number');
  await expectService(world);
});

describe('J9 times', () => {
  const now = sampleTime / 1000;
  const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

  test('expired, not yet valid, and made in the future are refused, each by name, without leeway', async () => {
    const world = await startDisconnect();
    await expectRefused(world, tokenWith({ exp: now }), `expired at ${iso(now)} (exp)`);
    await expectRefused(world, tokenWith({ nbf: now + 1 }), `nbf is in the future (${iso(now + 1)})`);
    await expectRefused(world, tokenWith({ iat: now + 1 }), `iat is in the future (${iso(now + 1)})`);
    await expectRefused(
      world,
      tokenWith({ exp: now - 9, nbf: now + 8, iat: now + 7 }),
      `expired at ${iso(now - 9)} (exp), nbf is in the future (${iso(now + 8)}), iat is in the future (${iso(now + 7)})`,
    );
    await expectRefused(
      world,
      tokenWith({ nbf: 'now', iat: 'now' }),
      'nbf is not a number, iat is not a number',
    );
    await expectService(world, tokenWith({ exp: now + 1, nbf: now, iat: now }));
    world.clock.advance(1_000);
    await expectRefused(
      world,
      tokenWith({ exp: now + 1, nbf: now, iat: now }),
      `expired at ${iso(now + 1)} (exp)`,
    );
  });

  test('leeway is for all of them, and to the second', async () => {
    const world = await startDisconnect({ set: ['validation.leeway=1m'] });
    await expectService(world, tokenWith({ exp: now - 59, iat: now - 100 }));
    await expectService(world, tokenWith({ nbf: now + 60, iat: now + 60 }));
    await expectRefused(world, tokenWith({ exp: now - 60 }), `expired at ${iso(now - 60)} (exp)`);
    await expectRefused(world, tokenWith({ nbf: now + 61 }), `nbf is in the future (${iso(now + 61)})`);
  });

  test('a lifetime above the maximum is refused, and one that is not known', async () => {
    const world = await startDisconnect({ set: ['validation.max_lifetime=20h'] });
    await expectService(world);
    await expectRefused(
      world,
      tokenWith({ exp: sampleClaims.exp + 1 }),
      'its lifetime (exp - iat) of 72001 s is above the maximum of 72000 s',
    );
    await expectRefused(world, tokenWith({ iat: undefined }), 'iat is missing, so its lifetime is not known');
  });
});

test('J10 iss and aud are held to the configuration', async () => {
  const world = await startDisconnect({ set: ['validation.issuer=doors', 'validation.audience=wifi'] });
  await expectRefused(world, tokenWith(), 'iss is missing, aud is missing');
  const right = { iss: 'doors', aud: 'wifi' };
  for (const iss of ['Doors', 'doors ', ['doors'], null]) {
    await expectRefused(world, tokenWith({ ...right, iss }), 'iss is not doors');
  }
  for (const aud of ['wi-fi', 'wifi,x', ['x', 'y'], [], [['wifi']], { wifi: true }]) {
    await expectRefused(world, tokenWith({ ...right, aud }), 'aud is not wifi');
  }
  await expectService(world, tokenWith(right));
  await expectService(world, tokenWith({ ...right, aud: ['x', 'wifi'] }));
});

// Algorithms and keys that a token may not choose (docs/protocol.md, J1–J5).

import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { maxTokenLength } from '../../src/crypto/jwt-format.ts';
import {
  base64url,
  hs256,
  other,
  privateKey,
  publicKey,
  publicPem,
  rs256,
  sampleClaims,
  signedOver,
} from './token-builder.ts';
import { badSignature, errorsOf, errorsOfHeader, goodPayload, secret, verifierOf } from './verifier.ts';

describe('J1 alg none', () => {
  test.each(['none', 'NONE', 'nOnE'])('%s is rejected with an empty, a made-up and no signature', (alg) => {
    const input = `${base64url(JSON.stringify({ alg }))}.${goodPayload}`;
    expect(errorsOf(`${input}.`)).toEqual(['its signature is empty']);
    expect(errorsOf(input)).toEqual(['it has 2 parts, not 3 (header.payload.signature)']);
    expect(errorsOf(`${input}.AAAA`)).toEqual([`alg is "${alg}"; only RS256 is accepted`]);
  });

  test('none, an unknown algorithm and an empty list cannot be configured', () => {
    for (const name of ['none', 'PS256', 'ES256', 'rs256', '']) {
      expect(() => verifierOf({ algorithms: [name] })).toThrow(
        `token algorithm ${name}: expected one of RS256`,
      );
    }
    expect(() => verifierOf({ algorithms: [] })).toThrow('no token algorithm is named');
  });
});

describe('J2 the public key as a secret', () => {
  const spellings = [publicPem, publicPem.trimEnd(), publicKey.export({ type: 'spki', format: 'der' })];

  test.each(spellings.map((spelling, index) => [index, spelling] as const))(
    'HS256 signed with spelling %i of it is rejected, even if HS256 is configured',
    (_index, spelling) => {
      const token = hs256(sampleClaims, spelling);
      expect(errorsOf(token)).toEqual(['alg is "HS256"; only RS256 is accepted']);
      expect(errorsOf(token, { algorithms: ['RS256', 'HS256'], secret })).toEqual(badSignature);
      expect(errorsOf(hs256(sampleClaims, spelling, { alg: 'RS256' }))).toEqual(badSignature);
    },
  );

  test('a key that does not fit its algorithm is rejected when the verifier is created', () => {
    const hmacOnly = { algorithms: ['HS256'] };
    expect(() => verifierOf({ ...hmacOnly, secret: publicKey })).toThrow('HS256 needs a secret');
    expect(() => verifierOf(hmacOnly)).toThrow('HS256 needs a secret');
    expect(() => verifierOf({ key: secret })).toThrow('RS256 needs an RSA public key');
    expect(() => verifierOf({ key: undefined })).toThrow('RS256 needs an RSA public key');
    expect(() => verifierOf({ key: privateKey })).toThrow('RS256 needs an RSA public key');
    const { publicKey: elliptic } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => verifierOf({ key: elliptic })).toThrow('RS256 needs an RSA public key');
  });
});

test('J3 rejects a good signature of an algorithm that is not configured', () => {
  const input = (alg: string) => `${base64url(JSON.stringify({ alg, typ: 'JWT' }))}.${goodPayload}`;
  const rs384 = `${input('RS384')}.${base64url(sign('sha384', Buffer.from(input('RS384')), privateKey))}`;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const ps256 = `${input('PS256')}.${base64url(sign('sha256', Buffer.from(input('PS256')), { key: privateKey, ...padding }))}`;
  const { privateKey: elliptic } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const es256 = signedOver(base64url('{"alg":"ES256"}'), goodPayload, elliptic);
  expect(errorsOf(rs384)).toEqual(['alg is "RS384"; only RS256 is accepted']);
  expect(errorsOf(rs384, { algorithms: ['RS384'] })).toEqual([]);
  expect(errorsOf(ps256)).toEqual(['alg is "PS256"; only RS256 is accepted']);
  expect(errorsOf(es256)).toEqual(['alg is "ES256"; only RS256 is accepted']);
  // The right name over the wrong signature.
  expect(errorsOf(rs384.replace(input('RS384'), input('RS256')))).toEqual(badSignature);
});

test('J4 never uses keys in the header', () => {
  const jwk = other.publicKey.export({ format: 'jwk' });
  for (const member of [
    { jwk },
    { jku: 'http://127.0.0.1:1/' },
    { x5u: 'http://127.0.0.1:1/' },
    { x5c: ['MIIB'] },
  ]) {
    const header = { alg: 'RS256', ...member };
    expect(errorsOf(rs256(sampleClaims, header, other.privateKey))).toEqual(badSignature);
    expect(errorsOf(rs256(sampleClaims, header))).toEqual([]);
  }
});

test('J5 rejects a kid that is a path, SQL, 10 KB or not a string', () => {
  const kids = [
    '../../dev/null',
    '/etc/passwd',
    "x' UNION SELECT 'y",
    'a b',
    'k'.repeat(257),
    '',
    7,
    null,
    ['a'],
  ];
  for (const kid of kids) expect(errorsOfHeader({ kid })).toEqual(['kid is not a plain key id']);
  expect(errorsOfHeader({ kid: 'k'.repeat(256) })).toEqual([]);
  expect(errorsOfHeader({ kid: 'k'.repeat(10_240) })).toEqual([
    `it is longer than ${maxTokenLength} characters`,
  ]);
});

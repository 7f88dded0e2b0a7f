// Tokens against the verifier: what is accepted, and that any change is refused.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeToken, signToken } from '../../src/crypto/jwt.ts';
import { needs } from '../support/needs.ts';
import { base64url, hs256, opensslToken, other, privateKey, rs256, sampleClaims } from './token-builder.ts';
import {
  badSignature,
  errorsOf,
  errorsOfHeader,
  good,
  secret,
  secretText,
  verifier,
  verifierOf,
} from './verifier.ts';

describe('a good token', () => {
  test('is accepted, and returns its claims', () => {
    expect(verifier.verify(good)).toEqual(sampleClaims);
    expect(verifier.check(good)).toEqual({ claims: sampleClaims, errors: [] });
  });

  test('that openssl signed is accepted', (context) => {
    needs(context, { command: 'openssl' });
    expect(verifier.verify(opensslToken(sampleClaims, 'sha256', 'RS256'))).toEqual(sampleClaims);
    const rs384 = opensslToken(sampleClaims, 'sha384', 'RS384');
    expect(verifierOf({ algorithms: ['RS256', 'RS384'] }).verify(rs384)).toEqual(sampleClaims);
  });

  test('without typ, with a plain kid, or with non-ASCII text is accepted', () => {
    expect(errorsOf(rs256(sampleClaims, { alg: 'RS256' }))).toEqual([]);
    expect(errorsOfHeader({ kid: '5c3f-key:1' })).toEqual([]);
    expect(errorsOf(rs256({ ...sampleClaims, sub: 'пользователь' }))).toEqual([]);
  });

  test('of HS256 is accepted if HS256 and a secret are configured, and RS256 beside it', () => {
    const both = { algorithms: ['RS256', 'HS256'], secret };
    expect(errorsOf(hs256(sampleClaims, secretText), both)).toEqual([]);
    expect(errorsOf(good, both)).toEqual([]);
    expect(errorsOf(hs256(sampleClaims, `${secretText}x`), both)).toEqual(badSignature);
  });

  test('of signToken is accepted, and contains exactly the given claims', () => {
    const claims = { ...sampleClaims, iat: 0, note: 'ü' };
    for (const [key, algorithm] of [
      [privateKey, 'RS256'],
      [privateKey, 'RS512'],
      [secret, 'HS256'],
    ] as const) {
      const token = signToken(JSON.stringify(claims), key, algorithm);
      expect(verifierOf({ algorithms: [algorithm], secret }).verify(token)).toEqual(claims);
      expect(decodeToken(token).header).toEqual({ alg: algorithm, typ: 'JWT' });
    }
    expect(() => signToken('{}', secret, 'RS256')).toThrow('cannot sign with RS256');
    expect(() => signToken('{}', privateKey, 'HS256')).toThrow('cannot sign with HS256');
  });
});

test('verify throws one error that names every violated rule', () => {
  const token = rs256({ ...sampleClaims, exp: 1, nbf: 2_000_000_000, iat: 2_000_000_001 });
  const strict = verifierOf({ issuer: 'doors', audience: 'swob', maxLifetimeMs: 1_000 });
  expect(() => strict.verify(token)).toThrow(
    expect.objectContaining({
      code: 'UNAUTHENTICATED',
      message:
        'token refused: expired at 1970-01-01T00:00:01.000Z (exp), 1559299999 s ago; --leeway is 0ms, ' +
        'nbf is in the future (2033-05-18T03:33:20.000Z), by 440700000 s; --leeway is 0ms, ' +
        'iat is in the future (2033-05-18T03:33:21.000Z), by 440700001 s; --leeway is 0ms, iss is missing, aud is missing',
    }),
  );
});

describe('properties', () => {
  const characters = [...'ABCXYZabcxyz0189-_.=+/ \n\u00e9'];

  test('a good token with any one character changed is rejected', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom(...characters), (at, character) => {
        fc.pre(good[at] !== character);
        const changed = `${good.slice(0, at)}${character}${good.slice(at + 1)}`;
        expect(() => verifier.verify(changed)).toThrow('token refused: ');
      }),
      { numRuns: 1_000 },
    );
  });

  test('a good token with any character removed or added is rejected', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom('', ...characters), (at, character) => {
        const rest = character === '' ? good.slice(at + 1) : good.slice(at);
        expect(() => verifier.verify(`${good.slice(0, at)}${character}${rest}`)).toThrow('token refused: ');
      }),
    );
  });

  test('any other text is rejected with a reason, never with another error', () => {
    const part = fc.oneof(fc.string(), fc.json().map(base64url), fc.base64String());
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        expect(verifier.check(parts.join('.')).errors.length).toBeGreaterThan(0);
      }),
    );
  });

  test('verified claims equal the signed ones', () => {
    const names = fc
      .string()
      .filter((name) => !['__proto__', 'constructor', 'exp', 'nbf', 'iat'].includes(name));
    fc.assert(
      fc.property(
        fc.dictionary(names, fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true }),
        (claims) => {
          // A value may itself hold a forbidden name.
          fc.pre(!/"(__proto__|constructor)"/.test(JSON.stringify(claims)));
          // Whole numbers that JavaScript rounds are kept as text.
          fc.pre(!/\d{16}/.test(JSON.stringify(claims)));
          const all = { ...claims, exp: sampleClaims.exp };
          expect(verifier.verify(rs256(all))).toEqual(JSON.parse(JSON.stringify(all)));
        },
      ),
      { numRuns: 50 },
    );
  });
});

test('decodeToken returns the content without verifying the signature', () => {
  const token = rs256('{"sessionId":5692549928996307964}', { alg: 'none' }, other.privateKey);
  const { header, payloadText, signature } = decodeToken(token);
  expect(header).toEqual({ alg: 'none' });
  expect(payloadText).toBe('{"sessionId":5692549928996307964}');
  expect(signature).toHaveLength(256);
  expect(() => decodeToken('hello')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
});

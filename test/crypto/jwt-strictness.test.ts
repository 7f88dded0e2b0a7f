// What jsonwebtoken alone would accept, and which of our checks rejects it; and that the two together obey our rules.

import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import jwt from 'jsonwebtoken';
import { describe, expect, test } from 'vitest';
import { base64url, hs256, publicKey, rs256, sampleClaims, sampleTime, signedOver } from './token-builder.ts';
import { errorsOf, good, goodHeader, goodPayload, goodSignature, verifierOf } from './verifier.ts';

const now = sampleTime / 1000;
const claims = JSON.stringify(sampleClaims).slice(1, -1);
const header = (members: object) => rs256(sampleClaims, { alg: 'RS256', typ: 'JWT', ...members });
const withClaims = (members: object) => rs256({ ...sampleClaims, ...members });
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const twinOf = (digit: string) => alphabet[alphabet.indexOf(digit) + 1] ?? '';

describe('jsonwebtoken 9 accepts, and we reject', () => {
  test.each<[laxness: string, where: string, token: string, error: string]>([
    [
      'unused bits of base64url that are set',
      'parseToken',
      `${good.slice(0, -1)}${twinOf(goodSignature.slice(-1))}`,
      'its signature is not canonical base64url',
    ],
    [
      'a token without bound',
      'parseToken',
      withClaims({ x: 'x'.repeat(8_192) }),
      'it is longer than 8192 characters',
    ],
    [
      'bytes that are not UTF-8',
      'parseToken',
      signedOver(
        goodHeader,
        base64url(Buffer.from(`{"sub":"\xff",${claims.replace('"sub":"user",', '')}}`, 'latin1')),
      ),
      'its payload is not UTF-8',
    ],
    [
      'a byte order mark, which makes the payload a text without claims',
      'parseToken',
      rs256(`\ufeff${JSON.stringify(sampleClaims)}`, { alg: 'RS256' }),
      'its payload is not JSON',
    ],
    ['a payload that is not JSON', 'parseToken', rs256('hello', { alg: 'RS256' }), 'its payload is not JSON'],
    ['a payload that is an array', 'parseToken', rs256('[]'), 'its payload is not a JSON object'],
    ['a payload that is a number', 'parseToken', rs256('1'), 'its payload is not a JSON object'],
    [
      'a member twice, of which the last counts',
      'findMemberError',
      rs256(`{"exp":1,${claims}}`),
      'its payload has the member "exp" twice',
    ],
    [
      'a member __proto__',
      'findMemberError',
      rs256(`{${claims},"__proto__":{"a":1}}`),
      'its payload has a member __proto__',
    ],
    [
      'a member constructor',
      'findMemberError',
      rs256(`{${claims},"constructor":1}`),
      'its payload has a member constructor',
    ],
    [
      'nesting without bound',
      'findMemberError',
      rs256(`{${claims},"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
      'its payload is nested deeper than 32 levels',
    ],
    ['crit', 'headerErrors', header({ crit: ['exp'] }), 'crit in its header is not supported'],
    ['b64', 'headerErrors', header({ b64: false }), 'b64 in its header is not supported'],
    ['zip', 'headerErrors', header({ zip: 'DEF' }), 'zip in its header is not supported'],
    ['enc', 'headerErrors', header({ enc: 'A256GCM' }), 'enc in its header is not supported'],
    ['any typ', 'headerErrors', header({ typ: 'at+jwt' }), 'typ is not JWT'],
    ['any kid', 'headerErrors', header({ kid: '../../dev/null' }), 'kid is not a plain key id'],
    ['no exp', 'checkOwnRules', rs256({ sub: 'user' }), 'exp is missing'],
    ['an infinite exp', 'checkOwnRules', rs256('{"exp":1e400}'), 'exp is not a positive number'],
    [
      'exp in milliseconds, which expires in the year 51382',
      'checkOwnRules',
      withClaims({ exp: sampleClaims.exp * 1000 }),
      'exp is too large: it counts seconds, not milliseconds',
    ],
    ['an nbf of -Infinity', 'checkOwnRules', rs256('{"exp":2e9,"nbf":-1e400}'), 'nbf is not a number'],
    ['an iat that is not a number', 'checkOwnRules', withClaims({ iat: 'now' }), 'iat is not a number'],
    [
      'an iat in the future',
      'checkOwnRules',
      withClaims({ iat: now + 1 }),
      'iat is in the future (2019-05-31T10:53:21.000Z), by 1 s; --leeway is 0ms',
    ],
  ])('%s (%s)', (_laxness, _where, token, error) => {
    const options: jwt.VerifyOptions = { algorithms: ['RS256'], clockTimestamp: now };
    expect(() => jwt.verify(token, publicKey, options)).not.toThrow();
    expect(errorsOf(token)).toEqual([error]);
  });

  test('a token at the time 0, for which it would read the system clock', () => {
    const token = rs256({ exp: 1 });
    expect(() => jwt.verify(token, publicKey, { algorithms: ['RS256'], clockTimestamp: 0 })).toThrow(
      'jwt expired',
    );
    expect(errorsOf(token, { clock: { now: () => 0 } })).toEqual([]);
  });

  test('a lifetime of any length: its maxAge bounds the age and not exp - iat', () => {
    const options: jwt.VerifyOptions = {
      algorithms: ['RS256'],
      clockTimestamp: sampleClaims.iat,
      maxAge: '1h',
    };
    expect(() => jwt.verify(good, publicKey, options)).not.toThrow();
    expect(
      errorsOf(good, { maxLifetimeMs: 3_600_000, clock: { now: () => sampleClaims.iat * 1000 } }),
    ).toEqual(['its lifetime (exp - iat) of 72000 s is above the maximum of 3600 s']);
  });
});

/** The claims that our rules reject, implemented a second time without jsonwebtoken. */
function rejectedClaims(
  { exp, nbf, iat, iss, aud }: Record<string, unknown>,
  rules: { leewayMs: number; maxLifetimeMs: number; issuer: string; audience: string },
  nowMs: number,
): string[] {
  const isTime = (time: unknown): time is number => typeof time === 'number' && Math.abs(time) < 1e11;
  const starts = (time: unknown) =>
    time === undefined || (isTime(time) && time * 1000 <= nowMs + rules.leewayMs);
  const lives =
    rules.maxLifetimeMs === 0 ||
    !isTime(exp) ||
    (iat !== undefined && (!isTime(iat) || (exp - iat) * 1000 <= rules.maxLifetimeMs));
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  const good = {
    exp: isTime(exp) && exp > 0 && nowMs < exp * 1000 + rules.leewayMs,
    nbf: starts(nbf),
    iat: starts(iat),
    lifetime: lives,
    iss: rules.issuer === '' || iss === rules.issuer,
    aud: rules.audience === '' || audiences.includes(rules.audience),
  };
  return Object.entries(good).flatMap(([name, isGood]) => (isGood ? [] : [name]));
}

function claimOf(error: string): string | undefined {
  if (error.startsWith('expired at')) return 'exp';
  return error.includes('lifetime') ? 'lifetime' : /^[a-z]{3}/.exec(error)?.[0];
}

describe('properties', () => {
  const secret = createSecretKey(Buffer.alloc(32, 'k'));
  // Quarters of a second are exact in binary, so that both sides see the same moment.
  const nearNow = fc.integer({ min: -24, max: 24 }).map((quarters) => now + quarters / 4);
  const odd = fc.constantFrom(0, -1, 1e11, 1e12, 1e300, '1', null, true, [1], {});
  const time = fc.oneof({ weight: 6, arbitrary: nearNow }, { weight: 1, arbitrary: odd });
  const name = fc.constantFrom('a', 'b', 'A', '', ['a'], ['b', 'a'], [['a']], null, { a: 1 });
  const anyClaims = fc.record(
    { exp: time, nbf: time, iat: time, iss: name, aud: name },
    { requiredKeys: [] },
  );
  const anyRules = fc.record({
    leewayMs: fc.constantFrom(0, 250, 1_000, 5_000),
    maxLifetimeMs: fc.constantFrom(0, 1_000, 5_000),
    issuer: fc.constantFrom('', 'a'),
    audience: fc.constantFrom('', 'a'),
  });

  test('every claim that the rules reject is reported once and in order, and no other', () => {
    fc.assert(
      fc.property(anyClaims, anyRules, (claims, rules) => {
        const verifier = verifierOf({ ...rules, algorithms: ['HS256'], secret });
        const { errors } = verifier.check(hs256(claims, Buffer.alloc(32, 'k')));
        expect(errors.map(claimOf)).toEqual(rejectedClaims(claims, rules, sampleTime));
      }),
      { numRuns: 3_000 },
    );
  });

  test('without a good signature no claim is checked or reported', () => {
    fc.assert(
      fc.property(anyClaims, anyRules, (claims, rules) => {
        const token = `${rs256(claims).split('.').slice(0, 2).join('.')}.${goodSignature}`;
        fc.pre(token !== `${goodHeader}.${goodPayload}.${goodSignature}`);
        expect(verifierOf(rules).check(token)).toEqual({
          claims: undefined,
          errors: ['its signature does not match the key'],
        });
      }),
      { numRuns: 100 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSeedToken, verifySeedToken } from '../../src/crypto/seed-token.ts';
import { anyText } from '../support/any-text.ts';

const imsi = fc.stringMatching(/^[A-Za-z0-9_.+-]{1,64}$/);
const secret = fc.string({ minLength: 1, maxLength: 64 });

describe('seed tokens', () => {
  test('are the IMSI and its HMAC-SHA256 in base64url', () => {
    // printf 624012345678901 | openssl dgst -sha256 -hmac secret -binary | basenc --base64url | tr -d =
    expect(createSeedToken('secret', '624012345678901')).toBe(
      '624012345678901.crW7QHujDVuXP0lVK98MdaWO0O16ZBHVrQO9TNHPjm4',
    );
  });

  test('return the IMSI that they were created for, dots included', () => {
    fc.assert(
      fc.property(secret, imsi, (key, name) => {
        expect(verifySeedToken(key, createSeedToken(key, name))).toBe(name);
      }),
    );
  });

  test('are rejected under another secret and for another IMSI', () => {
    fc.assert(
      fc.property(secret, secret, imsi, imsi, (key, otherKey, name, other) => {
        fc.pre(key !== otherKey && name !== other);
        const token = createSeedToken(key, name);
        expect(verifySeedToken(otherKey, token)).toBeUndefined();
        expect(verifySeedToken(key, `${other}${token.slice(name.length)}`)).toBeUndefined();
      }),
    );
  });

  test('are rejected when any one character is changed, added or missing', () => {
    const token = createSeedToken('secret', '111');
    for (let index = 0; index < token.length; index++) {
      const other = token[index] === 'A' ? 'B' : 'A';
      expect(
        verifySeedToken('secret', `${token.slice(0, index)}${other}${token.slice(index + 1)}`),
      ).toBeUndefined();
      expect(verifySeedToken('secret', token.slice(0, index))).toBeUndefined();
    }
    expect(verifySeedToken('secret', `${token}=`)).toBeUndefined();
    expect(verifySeedToken('secret', '')).toBeUndefined();
  });

  test('never throw on anything that a client sends', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 300 }), (token) => {
        expect(verifySeedToken('secret', token)).toBeUndefined();
      }),
    );
  });

  test('are neither created nor accepted with an empty secret', () => {
    expect(() => createSeedToken('', '111')).toThrow('token_secret');
    expect(() => verifySeedToken('', '111.abc')).toThrow('token_secret');
  });
});

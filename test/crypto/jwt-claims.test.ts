import { describe, expect, test } from 'vitest';
import { rs256, sampleClaims, sampleTime } from './token-builder.ts';
import { errorsOf, errorsOfClaims, good, verifierOf } from './verifier.ts';

describe('J8 exp', () => {
  test.each([
    ['"1559351580"', 'exp is not a positive number'],
    ['[1559351580]', 'exp is not a positive number'],
    ['{}', 'exp is not a positive number'],
    ['null', 'exp is not a positive number'],
    ['true', 'exp is not a positive number'],
    ['1e400', 'exp is not a positive number'],
    ['-1', 'exp is not a positive number'],
    ['0', 'exp is not a positive number'],
  ])('%s is refused', (exp, error) => {
    expect(errorsOf(rs256(`{"exp":${exp}}`))).toEqual([error]);
  });

  test('is required', () => {
    expect(errorsOf(rs256({}))).toEqual(['exp is missing']);
  });
});

describe('J9 times', () => {
  const now = sampleTime / 1000;

  test('a token is valid until exactly exp, plus the leeway', () => {
    expect(errorsOfClaims({ exp: now + 0.001 })).toEqual([]);
    expect(errorsOfClaims({ exp: now })).toEqual([
      'expired at 2019-05-31T10:53:20.000Z (exp), 0 ms ago; --leeway is 0ms',
    ]);
    expect(errorsOfClaims({ exp: now - 5 }, { leewayMs: 5_001 })).toEqual([]);
    expect(errorsOfClaims({ exp: now - 5 }, { leewayMs: 5_000 })).toHaveLength(1);
  });

  test.each(['nbf', 'iat'])('%s in the future is rejected, except within the leeway', (name) => {
    expect(errorsOfClaims({ [name]: now })).toEqual([]);
    expect(errorsOfClaims({ [name]: now + 1 })).toEqual([
      `${name} is in the future (2019-05-31T10:53:21.000Z), by 1 s; --leeway is 0ms`,
    ]);
    expect(errorsOfClaims({ [name]: now + 1 }, { leewayMs: 1_000 })).toEqual([]);
    expect(errorsOfClaims({ [name]: now + 1 }, { leewayMs: 999 })).toHaveLength(1);
    const narrow = { leewayMs: 500, leewaySetting: '[validation] leeway' };
    expect(errorsOfClaims({ [name]: now + 0.75 }, narrow)).toEqual([
      `${name} is in the future (2019-05-31T10:53:20.750Z), by 750 ms; [validation] leeway is 500ms`,
    ]);
  });

  test.each(['nbf', 'iat'])('%s that is not a number is rejected', (name) => {
    for (const value of ['"1"', 'null', '[1]', '-1e400', '1e400']) {
      expect(errorsOf(rs256(`{"exp":2e9,"${name}":${value}}`))).toEqual([`${name} is not a number`]);
    }
  });

  test.each(['exp', 'nbf', 'iat'])(
    '%s in milliseconds is rejected by name, and is not a lifetime',
    (name) => {
      for (const value of [sampleClaims.exp * 1000, sampleClaims.iat * 1000, 1e11, 1e300]) {
        expect(errorsOfClaims({ [name]: value }, { maxLifetimeMs: 72_000_000 })).toEqual([
          `${name} is too large: it counts seconds, not milliseconds`,
        ]);
      }
      expect(errorsOfClaims({ exp: 99_999_999_999 })).toEqual([]);
    },
  );

  test('a lifetime that exceeds the maximum or is unknown is rejected', () => {
    const hour = { maxLifetimeMs: 3_600_000 };
    expect(errorsOfClaims({ iat: now - 10, exp: now + 3_590 }, hour)).toEqual([]);
    expect(errorsOfClaims({ iat: now - 10, exp: now + 3_591 }, hour)).toEqual([
      'its lifetime (exp - iat) of 3601 s is above the maximum of 3600 s',
    ]);
    expect(errorsOf(rs256({ exp: now + 1 }), hour)).toEqual(['iat is missing, so its lifetime is not known']);
    expect(errorsOf(rs256({ exp: now + 1 }))).toEqual([]);
  });

  test('the clock is read for each token', () => {
    let time = sampleTime;
    const moving = verifierOf({ clock: { now: () => time } });
    expect(moving.check(good).errors).toEqual([]);
    time = sampleClaims.exp * 1000;
    expect(moving.check(good).errors[0]).toContain('expired at 2019-06-01T01:13:00.000Z (exp)');
    time = 0;
    expect(moving.check(good).errors[0]).toContain('iat is in the future (2019-05-31T05:13:00.000Z)');
  });
});

test('J10 issuer and audience are compared when configured', () => {
  const rules = { issuer: 'doors', audience: 'swob' };
  expect(errorsOfClaims({ iss: 'doors', aud: 'swob' }, rules)).toEqual([]);
  expect(errorsOfClaims({ iss: 'doors', aud: ['x', 'swob'] }, rules)).toEqual([]);
  expect(errorsOfClaims({ iss: 'Doors', aud: ['x'] }, rules)).toEqual([
    'iss is not doors',
    'aud is not swob',
  ]);
  expect(errorsOfClaims({ iss: ['doors'], aud: { swob: 1 } }, rules)).toEqual([
    'iss is not doors',
    'aud is not swob',
  ]);
  expect(errorsOfClaims({}, rules)).toEqual(['iss is missing', 'aud is missing']);
  expect(errorsOfClaims({ iss: 'any', aud: 'any' })).toEqual([]);
  expect(errorsOfClaims({}, { issuer: '', audience: '' })).toEqual([]);
});

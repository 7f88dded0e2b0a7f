// Suggestions for unknown keys: none rather than a wrong one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/config/schema.ts';
import { suggestedKey } from '../../src/config/suggestion.ts';

const names = Object.entries(schema).flatMap(([section, keys]) =>
  Object.keys(keys).map((key) => `${section}.${key}`),
);

describe('an unknown key', () => {
  test.each([
    ['api.prt', 'api.port'],
    ['api.hots', 'api.host'],
    ['API.PORT', 'api.port'],
    ['webscket.port', 'websocket.port'],
    ['seeds.expirey', 'seeds.expiry'],
    ['api.max_connections', 'sync.max_connections'],
    ['pcrf_pool.max', 'pcrf.pool.max'],
    ['sync.session_sleep_time', undefined],
    // Many sections have these keys, so none is more likely than another.
    ['sync.port', undefined],
    ['api.url', undefined],
    ['users.timeout', undefined],
    ['AUTHENTICATION.url', undefined],
    ['PORT', undefined],
    ['nothing.like_it', undefined],
    ['__proto__.x', undefined],
    ['', undefined],
  ])('%j: %j', (wrong, meant) => {
    expect(suggestedKey(wrong, names)).toBe(meant);
  });

  test('with one extra letter gets the right suggestion, if any', () => {
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz');
    fc.assert(
      fc.property(fc.constantFrom(...names), letter, fc.nat(40), (name, extra, at) => {
        const key = name.lastIndexOf('.') + 1;
        const place = Math.min(name.length, key + at);
        const wrong = `${name.slice(0, place)}${extra}${name.slice(place)}`;
        fc.pre(!names.includes(wrong) && place > key);
        const meant = suggestedKey(wrong, names);
        // Another key may be equally close: [pcrf.pool] min and max.
        if (meant !== undefined) expect(meant.slice(0, key)).toBe(name.slice(0, key));
      }),
    );
  });

  test('of any length is handled quickly', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100_000 }), (wrong) => void suggestedKey(wrong, names)),
      { numRuns: 20 },
    );
  });
});

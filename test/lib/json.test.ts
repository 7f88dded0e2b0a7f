// The depth and size of JSON texts, compared with the result of a parser.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonShape, maxJsonDepth, parseJson } from '../../src/lib/json.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('depth equals the recursion that a parser would need, whatever the strings contain', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2), (value, indent) => {
      expect(jsonShape(JSON.stringify(value, null, indent)).depth).toBe(depthOf(value));
    }),
  );
});

test('counts values, so that a body of nothing but brackets is detected', () => {
  expect(jsonShape('1').values).toBe(1);
  expect(jsonShape('[{},{"a":1,"b":"],[{"}]')).toEqual({ depth: 2, values: 6 });
  expect(jsonShape(`[${'[],'.repeat(1_000)}1]`).values).toBeGreaterThan(1_000);
});

test('measures any text without an error, and parses like JSON.parse', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}",:\\1 a') }), (text) => {
      jsonShape(text);
      let expected: unknown = 'no JSON';
      let actual: unknown = 'no JSON';
      try {
        expected = JSON.parse(text);
      } catch {}
      try {
        actual = parseJson(text);
      } catch {}
      expect(actual).toEqual(expected);
    }),
  );
});

test('rejects nesting beyond the limit, however deep', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  expect(() => parseJson(nested(maxJsonDepth))).not.toThrow();
  for (const depth of [maxJsonDepth + 1, 250_000, 5_000_000]) {
    expect(() => parseJson(nested(depth))).toThrow('nested deeper than 64 levels');
  }
});

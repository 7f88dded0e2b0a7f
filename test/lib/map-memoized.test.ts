// mapMemoized equals map, with fewer calls.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapMemoized } from '../../src/lib/map-memoized.ts';

test('for any sequence of lists, the results equal those of map', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 9 }))), (lists) => {
      const twice = mapMemoized((item: number) => [item, item]);
      for (const list of lists) expect(twice(list)).toEqual(list.map((item) => [item, item]));
    }),
  );
});

test('maps only new items at the end, whichever were removed', () => {
  const calls: string[] = [];
  const upper = mapMemoized((item: string) => {
    calls.push(item);
    return { name: item.toUpperCase() };
  });
  const [, b, , d] = upper(['a', 'b', 'c', 'd']);
  calls.length = 0;
  const next = upper(['b', 'd', 'a', 'e']);
  expect(calls).toEqual(['a', 'e']);
  expect(next[0]).toBe(b);
  expect(next[1]).toBe(d);
  expect(upper([])).toEqual([]);
  expect(upper(['b'])).toEqual([{ name: 'B' }]);
});

// mapAgain is map, with fewer calls.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapAgain } from '../../src/domain/map-again.ts';

test('whatever lists come one after the other, the result is that of map', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 9 }))), (lists) => {
      const twice = mapAgain((item: number) => [item, item]);
      for (const list of lists) expect(twice(list)).toEqual(list.map((item) => [item, item]));
    }),
  );
});

test('only what is new at the end is made, whatever has left', () => {
  const calls: string[] = [];
  const upper = mapAgain((item: string) => {
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

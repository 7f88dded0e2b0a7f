// mapMemoized equals map, with fewer calls.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapMemoized } from '../../src/lib/map-memoized.ts';

test('for any sequence of lists, the results equal those of map', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 100 })), (lists) => {
      const twice = mapMemoized((item: number) => [item, item], 100);
      for (const list of lists) expect(twice(list)).toEqual(list.map((item) => [item, item]));
    }),
  );
});

test('maps only new items at the end, whichever were removed', async () => {
  const calls: string[] = [];
  const upper = mapMemoized((item: string) => {
    calls.push(item);
    return { name: item.toUpperCase() };
  }, 4);
  const [, b, , d] = await upper(['a', 'b', 'c', 'd']);
  calls.length = 0;
  const next = await upper(['b', 'd', 'a', 'e']);
  expect(calls).toEqual(['a', 'e']);
  expect(next[0]).toBe(b);
  expect(next[1]).toBe(d);
  expect(upper([])).toEqual([]);
  expect(upper(['b'])).toEqual([{ name: 'B' }]);
});

test('maps many new items in several turns, and other lists after them, for any sequence of concurrent lists', async () => {
  const lists = fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 30 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(lists, fc.integer({ min: 1, max: 5 }), async (all, perTurn) => {
      let [inTurn, most] = [0, 0];
      const twice = mapMemoized((item: number) => {
        if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
        most = Math.max(most, inTurn);
        return [item, item];
      }, perTurn);
      const results = await Promise.all(all.map((list) => twice(list)));
      expect(results).toEqual(all.map((list) => list.map((item) => [item, item])));
      // A list that begins in the turn in which another ends has its own share.
      expect(most).toBeLessThanOrEqual(perTurn * Math.max(1, all.length));
    }),
  );
});

test('continues with the next list after one that cannot be mapped', async () => {
  const map = mapMemoized((item: number) => {
    if (item === 3) throw new Error('three');
    return item;
  }, 2);
  const failing = map([1, 2, 3, 4]);
  const next = map([5, 6, 7]);
  await expect(failing).rejects.toThrow('three');
  expect(await next).toEqual([5, 6, 7]);
});

// sortInTurns equals a stable sort, a part in each turn of the event loop.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { sortInTurns } from '../../src/lib/sort-in-turns.ts';

const items = fc.array(fc.record({ key: fc.integer({ min: 0, max: 5 }), n: fc.integer() }), {
  maxLength: 40,
});
const byKey = (a: { readonly key: number }, b: { readonly key: number }): number => a.key - b.key;

test('for any list, the result equals that of sort, and the list is unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(items, fc.integer({ min: 1, max: 9 }), async (list, perTurn) => {
      const before = [...list];
      expect(await sortInTurns(list, byKey, perTurn)).toEqual([...list].sort(byKey));
      expect(list).toEqual(before);
    }),
  );
});

test('compares in one turn no more than a sort of the last merge does', async () => {
  const length = 1_000;
  const list = Array.from({ length }, (_, n) => (n * 617) % length);
  let [inTurn, most] = [0, 0];
  await sortInTurns(
    list,
    (a, b) => {
      if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
      most = Math.max(most, inTurn);
      return a - b;
    },
    50,
  );
  expect(most).toBeLessThan(2 * length);
});

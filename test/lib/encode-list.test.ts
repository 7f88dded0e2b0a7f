// createListEncoder equals JSON.stringify, with fewer calls.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createListEncoder } from '../../src/lib/encode-list.ts';

interface Item {
  readonly n: number;
  readonly text: string;
}

const items: readonly Item[] = Array.from({ length: 12 }, (_, n) => ({ n, text: 'é€'.repeat(n % 3) }));
const list = fc.array(fc.constantFrom(...items), { maxLength: 20 });

test('for any sequence of lists, the results equal those of JSON.stringify', () => {
  fc.assert(
    fc.property(fc.array(list), (lists) => {
      const encode = createListEncoder<Item>((item) => JSON.stringify(item), 100);
      for (const each of lists) expect(String(encode(each))).toBe(JSON.stringify(each));
    }),
  );
});

test('encodes many new items in several turns, and other lists after them, for any sequence of concurrent lists', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(list, { maxLength: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 200 }),
      async (all, perTurn, bytesPerTurn) => {
        let [inTurn, most] = [0, 0];
        const encode = createListEncoder<Item>(
          (item) => {
            if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
            most = Math.max(most, inTurn);
            return JSON.stringify(item);
          },
          perTurn,
          bytesPerTurn,
        );
        const results = await Promise.all(all.map((each) => encode(each)));
        expect(results.map(String)).toEqual(all.map((each) => JSON.stringify(each)));
        // A list that begins in the turn in which another ends has its own share.
        expect(most).toBeLessThanOrEqual(perTurn * Math.max(1, all.length));
      },
    ),
  );
});

test('copies many bytes in several turns, between which others have theirs', async () => {
  const encode = createListEncoder<Item>((item) => JSON.stringify(item), 100, 16);
  await encode(items);
  let turns = 0;
  const count = (): void => {
    turns++;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const bytes = await encode(items.slice(1));
  clearImmediate(counting);
  expect(String(bytes)).toBe(JSON.stringify(items.slice(1)));
  expect(turns).toBeGreaterThanOrEqual(Math.floor(bytes.length / 16));
});

test('encodes only new items at the end, whichever were removed, and the same list once', () => {
  const calls: number[] = [];
  const encode = createListEncoder<Item>((item) => {
    calls.push(item.n);
    return JSON.stringify(item);
  }, 100);
  const pick = (...numbers: number[]): Item[] => numbers.flatMap((n) => items[n] ?? []);
  encode(pick(0, 1, 2, 3, 4));
  calls.length = 0;
  const next = pick(1, 2, 4, 0, 5);
  const bytes = encode(next);
  expect(calls).toEqual([0, 5]);
  expect(encode(next)).toBe(bytes);
  expect(String(encode([]))).toBe('[]');
});

test('continues with the next list after one that cannot be encoded', async () => {
  const encode = createListEncoder<Item>(({ n }) => {
    if (n === 3) throw new Error('three');
    return String(n);
  }, 2);
  const failing = encode(items.slice(0, 5));
  const next = encode(items.slice(4, 7));
  await expect(failing).rejects.toThrow('three');
  expect(String(await next)).toBe('[4,5,6]');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createKeyedMutex, mapConcurrent } from '../../src/lib/concurrency.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('yields results in order, and never exceeds the concurrency', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(3), { maxLength: 20 }),
      fc.integer({ min: 1, max: 5 }),
      async (turns, max) => {
        let running = 0;
        const results: number[] = [];
        for await (const index of mapConcurrent(turns.entries(), max, async ([index, count]) => {
          running++;
          expect(running).toBeLessThanOrEqual(max);
          for (let n = 0; n < count; n++) await turn();
          running--;
          return index;
        }))
          results.push(index);
        expect(results).toEqual(turns.map((_, index) => index));
      },
    ),
    { numRuns: 50 },
  );
});

test('starts no further item after a failure, and throws it once the running ones have settled', async () => {
  const started: number[] = [];
  const settled: number[] = [];
  const run = async () => {
    for await (const _ of mapConcurrent([0, 1, 2, 3, 4, 5], 3, async (item) => {
      started.push(item);
      if (item === 1) throw new Error('one fails');
      await turn();
      settled.push(item);
    }));
  };
  await expect(run()).rejects.toThrow('one fails');
  expect(started).toEqual([0, 1, 2, 3]);
  expect(settled).toEqual([0, 2, 3]);
});

test('runs jobs of one key one after the other, also after a failure; other keys do not wait', async () => {
  const mutex = createKeyedMutex();
  const log: string[] = [];
  const job =
    (name: string, fails = false) =>
    async () => {
      log.push(`${name} starts`);
      await turn();
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    };
  const jobs = [mutex.run('k', job('a', true)), mutex.run('k', job('b')), mutex.run('other', job('c'))];
  expect((await Promise.allSettled(jobs)).map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(log.indexOf('b starts')).toBeGreaterThan(log.indexOf('a ends'));
  expect(log.indexOf('c starts')).toBeLessThan(log.indexOf('a ends'));
});

test('jobs of several keys run in the order of their calls where they have a key in common, and never wait in a circle', async () => {
  const keys = ['a', 'b', 'c', 'd'];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.subarray(keys), fc.nat(2), fc.boolean()), { maxLength: 12 }),
      async (jobs) => {
        const mutex = createKeyedMutex();
        const running = new Set<string>();
        const started: number[] = [];
        const run = async (index: number, own: readonly string[], turns: number, fails: boolean) => {
          started.push(index);
          for (const key of own) {
            expect(running.has(key)).toBe(false);
            running.add(key);
          }
          for (let n = 0; n < turns; n++) await turn();
          for (const key of own) running.delete(key);
          if (fails) throw new Error('fails');
        };
        await Promise.allSettled(
          jobs.map(([own, turns, fails], index) =>
            mutex.runAll(own.toReversed(), () => run(index, own, turns, fails)),
          ),
        );
        expect(started).toHaveLength(jobs.length);
        for (const key of keys) {
          const order = started.filter((index) => jobs[index]?.[0].includes(key));
          expect(order).toEqual(order.toSorted((x, y) => x - y));
        }
      },
    ),
    { numRuns: 100 },
  );
});

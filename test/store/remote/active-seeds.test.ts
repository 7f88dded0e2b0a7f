// The list of active seeds at a client: equal to that of the owner, whatever happens, with few seeds on the way.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { seed, storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { openTwo, serveClients } from './support.ts';

const numbered = (n: number, lps = 1) => ({ ...seed, imsi: `62401${n}`, lps });

test('is the identical array while nothing has changed, and has the identical object for an unchanged seed', async () => {
  const { one, other } = openTwo();
  for (let n = 0; n < 20; n++) await one.store.seeds.ping(numbered(n));
  const first = await one.store.seeds.active(20_000);
  expect(await one.store.seeds.active(20_000)).toBe(first);
  await other.store.seeds.ping(numbered(7, 2));
  const sent = one.pair.fromOwner.length;
  const second = await one.store.seeds.active(20_000);
  expect(second.at(-1)).toEqual(numbered(7, 2));
  expect(second.slice(0, -1).every((each) => first.includes(each))).toBe(true);
  expect(one.pair.fromOwner.slice(sent)).toEqual([
    [[expect.any(Number), 0, [[expect.any(Number), 7, 1, 12], numbered(7, 2)]]],
  ]);
});

test('concurrent calls see everything that happened before them', async () => {
  const { one, other } = openTwo();
  const lists = [one.store.seeds.active(20_000)];
  await other.store.seeds.ping(seed);
  lists.push(one.store.seeds.active(20_000), one.store.seeds.active(20_000), one.store.seeds.active(10_000));
  const [, ...found] = await Promise.all(lists);
  expect(found).toEqual([[seed], [seed], [seed]]);
});

test('equals the list of the owner after any pings, pauses and lost answers', async () => {
  const step = fc.oneof(
    fc.record({ ping: fc.nat(60) }),
    fc.record({ wait: fc.constantFrom(1, 5_000, 12_000, 21_000) }),
    fc.record({ list: fc.constantFrom(20_000, 20_000, 10_000) }),
    fc.constant({ lose: true } as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const clock = createFakeClock();
      const options = storeOptions(clock);
      const embedded = createMemoryStore(options);
      const [client] = serveClients(embedded, options, 1);
      if (!client) throw new Error('there is no client');
      const { seeds } = client.store;
      for (const [n, each] of steps.entries()) {
        if ('ping' in each) await seeds.ping(numbered(each.ping, n));
        else if ('wait' in each) clock.advance(each.wait);
        else if ('list' in each)
          expect(await seeds.active(each.list)).toEqual(await embedded.seeds.active(each.list));
        else {
          // The owner answers when the client has given up.
          client.pair.hold();
          const lost = Promise.resolve(seeds.active(20_000)).catch(() => undefined);
          await Promise.resolve();
          for (let second = 0; second <= 31; second++) clock.advance(1_000);
          await lost;
          client.pair.release();
        }
      }
      expect(await seeds.active(20_000)).toEqual(await embedded.seeds.active(20_000));
    }),
    { numRuns: 60 },
  );
});

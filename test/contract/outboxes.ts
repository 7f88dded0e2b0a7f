// What waits to be delivered: its part of the store contract.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Callback, InboundSms, Parcel } from '../../src/domain/model.ts';
import type { Store } from '../../src/domain/ports.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createOutboxModel, outboxCommands } from './outbox-model.ts';
import { storeOptions } from './store.ts';

export const parcel: Parcel<InboundSms> = {
  id: '0123456789abcdef-1',
  content: { platform: 'gateway-client', msisdn: '+237650000001', text: 'bm90IGEgc2VjcmV0', message: 'é\n"' },
  since: 1_648_206_122_814,
  dueAt: 1_648_206_123_900.5,
  attempts: 1,
  life: [{ at: 1_648_206_122_814, what: 'received by gateway-client' }],
};

export const waiting = (id: string, dueAt: number): Parcel<InboundSms> => ({ ...parcel, id, dueAt });
export const givenUp = (id: string, since: number): Parcel<InboundSms> => ({
  ...parcel,
  id,
  since,
  dueAt: null,
});

/** `current` gives the store of the running test, with the bounds of `storeOptions`; `open` a new one. */
export function outboxContract(
  current: () => { store: Store },
  open: (options: StoreOptions) => Promise<Store>,
): void {
  const inbound = () => current().store.inbound;

  describe('outboxes', () => {
    test('a parcel is as it was put, and the last put counts', async () => {
      expect(await inbound().get(parcel.id)).toBeUndefined();
      await inbound().put(parcel);
      expect(await inbound().get(parcel.id)).toEqual(parcel);
      const { message: _, ...content } = parcel.content;
      const later = { ...parcel, content, dueAt: null, attempts: 9, life: [] };
      await inbound().put(later);
      expect(await inbound().get(parcel.id)).toEqual(later);
      expect(await inbound().count()).toEqual({ waiting: 0, failed: 1 });
    });

    test('one that is removed is gone; removing one that is not there changes nothing', async () => {
      await inbound().put(parcel);
      await inbound().remove('another');
      expect(await inbound().count()).toEqual({ waiting: 1, failed: 0 });
      await inbound().remove(parcel.id);
      await inbound().remove(parcel.id);
      expect(await inbound().get(parcel.id)).toBeUndefined();
      expect(await inbound().claim(Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
      expect(await inbound().count()).toEqual({ waiting: 0, failed: 0 });
    });

    test('those that are due come the earliest first, just now counts, and no more than asked for', async () => {
      for (const [id, at] of Object.entries({ c: 30, a: 10, d: 31, b: 20 }))
        await inbound().put(waiting(id, at));
      expect(await inbound().claim(9, 9)).toEqual([]);
      expect(await inbound().claim(30, 0)).toEqual([]);
      expect(await inbound().nextDue()).toBe(10);
      expect(await inbound().claim(30, 2)).toEqual(['a', 'b']);
      expect(await inbound().nextDue()).toBe(30);
      expect(await inbound().claim(30, 9)).toEqual(['c']);
    });

    test("one that is claimed is nobody else's until it is settled, put or put off; it still counts and is there", async () => {
      for (const [id, at] of Object.entries({ a: 10, b: 20, c: 30, d: 40 }))
        await inbound().put(waiting(id, at));
      expect(await inbound().claim(99, 9)).toEqual(['a', 'b', 'c', 'd']);
      expect(await inbound().claim(99, 9)).toEqual([]);
      expect(await inbound().nextDue()).toBeUndefined();
      expect(await inbound().count()).toEqual({ waiting: 4, failed: 0 });
      expect(await inbound().get('a')).toEqual(waiting('a', 10));
      expect(await inbound().settle('a', undefined)).toBe(true);
      expect(await inbound().settle('b', waiting('b', 50))).toBe(true);
      await inbound().put(waiting('c', 60));
      await inbound().putOff('d', 70);
      expect(await inbound().get('a')).toBeUndefined();
      expect(await inbound().get('d')).toMatchObject({ content: parcel.content, attempts: 1 });
      expect(await inbound().nextDue()).toBe(50);
      expect(await inbound().claim(99, 9)).toEqual(['b', 'c', 'd']);
      expect(await inbound().settle('b', givenUp('b', 1))).toBe(true);
      expect(await inbound().failed(9)).toEqual([givenUp('b', 1)]);
      expect(await inbound().count()).toEqual({ waiting: 2, failed: 1 });
      await inbound().remove('c');
      await inbound().putOff('c', 1);
      expect(await inbound().claim(99, 9)).toEqual([]);
    });

    test('one that is put off moves back in the row, one that was given up leaves it', async () => {
      for (const [id, at] of Object.entries({ a: 10, b: 20, c: 30 })) await inbound().put(waiting(id, at));
      await inbound().put(waiting('a', 25));
      expect(await inbound().claim(99, 1)).toEqual(['b']);
      await inbound().put(givenUp('b', 1));
      expect(await inbound().nextDue()).toBe(25);
      await inbound().put(givenUp('a', 2));
      await inbound().put(givenUp('c', 3));
      expect(await inbound().nextDue()).toBeUndefined();
      await inbound().put(waiting('b', 40));
      expect(await inbound().nextDue()).toBe(40);
      expect(await inbound().count()).toEqual({ waiting: 1, failed: 2 });
    });

    test('those that were given up come whole, the oldest first, and no more than asked for', async () => {
      const all = [givenUp('c', 3), givenUp('a', 1), givenUp('b', 2)];
      for (const each of [...all, waiting('d', 0)]) await inbound().put(each);
      expect(await inbound().failed(9)).toEqual([givenUp('a', 1), givenUp('b', 2), givenUp('c', 3)]);
      expect(await inbound().failed(1)).toEqual([givenUp('a', 1)]);
      expect(await inbound().failed(0)).toEqual([]);
    });

    test('the outboxes are kept apart', async () => {
      const content: Callback = { url: 'https://example.com/x', body: '{"uuid":"1"}' };
      await inbound().put(parcel);
      const { callbacks } = current().store;
      expect(await callbacks.get(parcel.id)).toBeUndefined();
      await callbacks.put({ ...parcel, content });
      expect(await callbacks.get(parcel.id)).toEqual({ ...parcel, content });
      await inbound().remove(parcel.id);
      expect(await callbacks.count()).toEqual({ waiting: 1, failed: 0 });
    });

    test('a new one above the bound is refused, in words that help; replacing and making room work', async () => {
      for (let n = 0; n < 40; n++) await inbound().put(n % 2 ? waiting(`${n}`, n) : givenUp(`${n}`, n));
      const refused = inbound().put(waiting('more', 1));
      await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 30, noRoom: true });
      await expect(refused).rejects.toThrow('raise [publisher] max_kept');
      expect(await inbound().get('more')).toBeUndefined();
      expect(await inbound().count()).toEqual({ waiting: 20, failed: 20 });
      await inbound().put(waiting('0', 1));
      await inbound().remove('1');
      await inbound().put(waiting('more', 1));
      await expect(inbound().put(waiting('still more', 1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });

      const { callbacks } = current().store;
      const callback = { ...parcel, content: { url: 'https://example.com/', body: '{}' } };
      for (let n = 0; n < 20; n++) await callbacks.put({ ...callback, id: `${n}` });
      await expect(callbacks.put(callback)).rejects.toThrow('raise [outgoing] max_callbacks');
    });

    test('many new ones at once do not pass the bound together', async () => {
      const puts = Array.from({ length: 100 }, (_, n) => inbound().put(waiting(`${n}`, n)));
      const results = await Promise.allSettled(puts);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(40);
      expect(await inbound().claim(100, 100)).toHaveLength(40);
    });

    test('of many puts and removals of one parcel at once the last one counts', async () => {
      const steps = Array.from({ length: 50 }, (_, n) =>
        n % 3 === 1 ? inbound().remove('a') : inbound().put(waiting('a', n)),
      );
      await Promise.all(steps);
      expect(await inbound().claim(100, 9)).toEqual([]);
      await Promise.all([
        inbound().put(waiting('a', 1)),
        inbound().remove('a'),
        inbound().put(waiting('a', 7)),
      ]);
      expect(await inbound().get('a')).toEqual(waiting('a', 7));
      expect(await inbound().nextDue()).toBe(7);
    });

    test('it behaves as the model does, whatever is done in whatever order', async () => {
      await fc.assert(
        fc.asyncProperty(outboxCommands(), async (commands) => {
          const store = await open({ ...storeOptions(createFakeClock()), inbound: { max: 3 } });
          try {
            await fc.asyncModelRun(
              () => ({ model: createOutboxModel(3), real: { outbox: store.inbound } }),
              commands,
            );
          } finally {
            await store.close();
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}

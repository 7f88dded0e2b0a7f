// Outboxes: their part of the store contract.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InboundSms } from '../../src/domain/inbound/model.ts';
import type { Callback } from '../../src/domain/outgoing/model.ts';
import type { OutboxEntry } from '../../src/domain/shared/model.ts';
import { StoreFullError } from '../../src/domain/shared/store-full-error.ts';
import type { Store } from '../../src/domain/store.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import { effort } from '../support/effort.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createOutboxModel, outboxCommands } from './outbox-model.ts';
import { outboxOrderContract } from './outbox-order.ts';
import { storeOptions } from './store.ts';

export const entry: OutboxEntry<InboundSms> = {
  id: '0123456789abcdef-1',
  content: { platform: 'gateway-client', msisdn: '+237650000001', text: 'bm90IGEgc2VjcmV0', message: 'é\n"' },
  since: 1_648_206_122_814,
  dueAt: 1_648_206_123_900.5,
  attempts: 1,
  history: [{ at: 1_648_206_122_814, event: 'received by gateway-client' }],
};

export const waiting = (id: string, dueAt: number): OutboxEntry<InboundSms> => ({ ...entry, id, dueAt });
export const deadLetter = (id: string, since: number): OutboxEntry<InboundSms> => ({
  ...entry,
  id,
  since,
  dueAt: null,
});

/** `current` returns the store of the running test, with the limits of `storeOptions`; `open` opens a new one. */
export function outboxContract(
  current: () => { store: Store },
  open: (options: StoreOptions) => Promise<Store>,
): void {
  const inbound = () => current().store.inbound;

  outboxOrderContract(inbound);

  describe('outboxes', () => {
    test('returns an entry as it was last put', async () => {
      expect(await inbound().get(entry.id)).toBeUndefined();
      await inbound().put(entry);
      expect(await inbound().get(entry.id)).toEqual(entry);
      const { message: _, ...content } = entry.content;
      const later = { ...entry, content, dueAt: null, attempts: 9, history: [] };
      await inbound().put(later);
      expect(await inbound().get(entry.id)).toEqual(later);
      expect(await inbound().getDurable(entry.id)).toEqual(later);
      expect(await inbound().count()).toEqual({ waiting: 0, deadLetters: 1 });
    });

    test('removes an entry; removing a missing one changes nothing', async () => {
      await inbound().put(entry);
      await inbound().remove('another');
      expect(await inbound().count()).toEqual({ waiting: 1, deadLetters: 0 });
      await inbound().remove(entry.id);
      await inbound().remove(entry.id);
      expect(await inbound().get(entry.id)).toBeUndefined();
      expect(await inbound().claim(Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
      expect(await inbound().count()).toEqual({ waiting: 0, deadLetters: 0 });
    });

    test('returns due entries earliest first, including those due just now, up to the limit', async () => {
      for (const [id, at] of Object.entries({ c: 30, a: 10, d: 31, b: 20 }))
        await inbound().put(waiting(id, at));
      expect(await inbound().claim(9, 9)).toEqual([]);
      expect(await inbound().claim(30, 0)).toEqual([]);
      expect(await inbound().nextDueAt()).toBe(10);
      expect(await inbound().claim(30, 2)).toEqual(['a', 'b']);
      expect(await inbound().nextDueAt()).toBe(30);
      expect(await inbound().claim(30, 9)).toEqual(['c']);
    });

    test('reserves a claimed entry until it is settled, put or postponed, and still counts and returns it', async () => {
      for (const [id, at] of Object.entries({ a: 10, b: 20, c: 30, d: 40 }))
        await inbound().put(waiting(id, at));
      expect(await inbound().claim(99, 9)).toEqual(['a', 'b', 'c', 'd']);
      expect(await inbound().claim(99, 9)).toEqual([]);
      expect(await inbound().nextDueAt()).toBeUndefined();
      expect(await inbound().count()).toEqual({ waiting: 4, deadLetters: 0 });
      expect(await inbound().get('a')).toEqual(waiting('a', 10));
      expect(await inbound().settle('a', undefined)).toBe(true);
      expect(await inbound().settle('b', waiting('b', 50))).toBe(true);
      await inbound().put(waiting('c', 60));
      await inbound().postpone('d', 70);
      expect(await inbound().get('a')).toBeUndefined();
      expect(await inbound().get('d')).toMatchObject({ content: entry.content, attempts: 1 });
      expect(await inbound().nextDueAt()).toBe(50);
      expect(await inbound().claim(99, 9)).toEqual(['b', 'c', 'd']);
      expect(await inbound().settle('b', deadLetter('b', 1))).toBe(true);
      expect(await inbound().deadLetters(9)).toEqual([deadLetter('b', 1)]);
      expect(await inbound().count()).toEqual({ waiting: 2, deadLetters: 1 });
      await inbound().remove('c');
      await inbound().postpone('c', 1);
      expect(await inbound().claim(99, 9)).toEqual([]);
    });

    test('moves a postponed entry back in the queue, and removes a dead-lettered one from it', async () => {
      for (const [id, at] of Object.entries({ a: 10, b: 20, c: 30 })) await inbound().put(waiting(id, at));
      await inbound().put(waiting('a', 25));
      expect(await inbound().claim(99, 1)).toEqual(['b']);
      await inbound().put(deadLetter('b', 1));
      expect(await inbound().nextDueAt()).toBe(25);
      await inbound().put(deadLetter('a', 2));
      await inbound().put(deadLetter('c', 3));
      expect(await inbound().nextDueAt()).toBeUndefined();
      await inbound().put(waiting('b', 40));
      expect(await inbound().nextDueAt()).toBe(40);
      expect(await inbound().count()).toEqual({ waiting: 1, deadLetters: 2 });
    });

    test('returns dead letters in full, oldest first, up to the limit', async () => {
      const all = [deadLetter('c', 3), deadLetter('a', 1), deadLetter('b', 2)];
      for (const each of [...all, waiting('d', 0)]) await inbound().put(each);
      expect(await inbound().deadLetters(9)).toEqual([
        deadLetter('a', 1),
        deadLetter('b', 2),
        deadLetter('c', 3),
      ]);
      expect(await inbound().deadLetters(1)).toEqual([deadLetter('a', 1)]);
      expect(await inbound().deadLetters(0)).toEqual([]);
    });

    test('removes or replaces a dead letter only while it is the one that was read', async () => {
      const other = { ...deadLetter('a', 5), attempts: 7 };
      expect(await inbound().replaceDeadLetter(other, 5)).toBe(false);
      await inbound().put(waiting('a', 10));
      expect(await inbound().replaceDeadLetter(other, entry.since)).toBe(false);
      expect(await inbound().get('a')).toEqual(waiting('a', 10));
      await inbound().put(deadLetter('a', 1.5));
      expect(await inbound().removeDeadLetter('a', 1)).toBe(false);
      expect(await inbound().replaceDeadLetter(other, 1)).toBe(false);
      expect(await inbound().replaceDeadLetter(other, 1.5)).toBe(true);
      expect(await inbound().deadLetters(9)).toEqual([other]);
      expect(await inbound().replaceDeadLetter({ ...waiting('a', 10), orderKey: 'k' }, 5)).toBe(true);
      expect(await inbound().count()).toEqual({ waiting: 1, deadLetters: 0 });
      expect(await inbound().claim(10, 9)).toEqual(['a']);
      await inbound().put(other);
      expect(await inbound().removeDeadLetter('a', 5)).toBe(true);
      expect(await inbound().count()).toEqual({ waiting: 0, deadLetters: 0 });
    });

    test('returns lists in pages', async () => {
      for (const n of [1, 2, 3, 4, 5]) await inbound().put(deadLetter(`f${n}`, n));
      for (const n of [1, 2, 3, 4, 5]) await inbound().put(waiting(`w${n}`, n * 10));
      expect((await inbound().deadLetters(2, 1)).map(({ id }) => id)).toEqual(['f2', 'f3']);
      expect(await inbound().deadLetters(2, 5)).toEqual([]);
      expect((await inbound().waiting(2, 1)).map(({ id }) => id)).toEqual(['w2', 'w3']);
      expect((await inbound().waiting(9)).map(({ id }) => id)).toEqual(['w1', 'w2', 'w3', 'w4', 'w5']);
      expect(await inbound().waiting(0)).toEqual([]);
      // Claimed entries come first.
      expect(await inbound().claim(10, 9)).toEqual(['w1']);
      expect(await inbound().putClaimed(waiting('w0', 99))).toBe('claimed');
      const all = await inbound().waiting(9);
      expect(new Set(all.slice(0, 2).map(({ id }) => id))).toEqual(new Set(['w0', 'w1']));
      expect((await inbound().waiting(2, 1)).map(({ id }) => id).at(-1)).toBe('w2');
      expect((await inbound().waiting(9, 2)).map(({ id }) => id)).toEqual(['w2', 'w3', 'w4', 'w5']);
    });

    test('records an attempt before it is made, which claims the entry for this process', async () => {
      const sending = { ...entry, attemptStartedAt: 1_648_206_123_000, failures: 1, unknownOutcomes: 2 };
      expect(await inbound().putClaimed(sending)).toBe('claimed');
      expect(await inbound().get(entry.id)).toEqual(sending);
      expect(await inbound().getDurable(entry.id)).toEqual(sending);
      expect(await inbound().count()).toEqual({ waiting: 1, deadLetters: 0 });
      expect(await inbound().claim(Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
      expect(await inbound().removeDeadLetter(entry.id)).toBe(false);
      // The same attempt, on another connection.
      expect(await inbound().putClaimed({ ...sending, attempts: 7 })).toBe('claimed');
      expect((await inbound().get(entry.id))?.attempts).toBe(7);
      expect(await inbound().settle(entry.id, { ...entry, dueAt: 5 })).toBe(true);
      expect(await inbound().get(entry.id)).toEqual({ ...entry, dueAt: 5 });
      // The entry waits, so it has to be claimed before the next attempt.
      expect(await inbound().putClaimed(sending)).toBe('taken');
      expect(await inbound().get(entry.id)).toEqual({ ...entry, dueAt: 5 });
      expect(await inbound().claim(9, 9)).toEqual([entry.id]);
      expect(await inbound().putClaimed(sending)).toBe('claimed');
      expect(await inbound().settle(entry.id, undefined)).toBe(true);
      expect(await inbound().get(entry.id)).toBeUndefined();
      expect(await inbound().count()).toEqual({ waiting: 0, deadLetters: 0 });
    });

    test('counts running attempts towards the limit', async () => {
      for (let n = 0; n < 40; n++) expect(await inbound().putClaimed(waiting(`${n}`, n))).toBe('claimed');
      await expect(inbound().putClaimed(waiting('more', 1))).rejects.toBeInstanceOf(StoreFullError);
      await inbound().settle('0', undefined);
      expect(await inbound().putClaimed(waiting('more', 1))).toBe('claimed');
    });

    test('keeps the outboxes separate', async () => {
      const content: Callback = { url: 'https://example.com/x', body: '{"uuid":"1"}' };
      await inbound().put(entry);
      const { callbacks } = current().store;
      expect(await callbacks.get(entry.id)).toBeUndefined();
      await callbacks.put({ ...entry, content });
      expect(await callbacks.get(entry.id)).toEqual({ ...entry, content });
      await inbound().remove(entry.id);
      expect(await callbacks.count()).toEqual({ waiting: 1, deadLetters: 0 });
    });

    test('rejects a new entry above the limit with a helpful message, and accepts replacements and entries after a removal', async () => {
      for (let n = 0; n < 40; n++) await inbound().put(n % 2 ? waiting(`${n}`, n) : deadLetter(`${n}`, n));
      const refused = inbound().put(waiting('more', 1));
      await expect(refused).rejects.toBeInstanceOf(StoreFullError);
      await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 30 });
      await expect(refused).rejects.toThrow('raise [publisher] max_kept');
      expect(await inbound().get('more')).toBeUndefined();
      expect(await inbound().count()).toEqual({ waiting: 20, deadLetters: 20 });
      await inbound().put(waiting('0', 1));
      await inbound().remove('1');
      await inbound().put(waiting('more', 1));
      await expect(inbound().put(waiting('still more', 1))).rejects.toMatchObject({ code: 'UNAVAILABLE' });

      const { callbacks } = current().store;
      const callback = { ...entry, content: { url: 'https://example.com/', body: '{}' } };
      for (let n = 0; n < 20; n++) await callbacks.put({ ...callback, id: `${n}` });
      await expect(callbacks.put(callback)).rejects.toThrow('raise [outgoing] max_callbacks');
    });

    test('enforces the limit for concurrent new entries', async () => {
      const puts = Array.from({ length: 100 }, (_, n) => inbound().put(waiting(`${n}`, n)));
      const results = await Promise.allSettled(puts);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(40);
      expect(await inbound().claim(100, 100)).toHaveLength(40);
    });

    test('applies the last of many concurrent puts and removals of one entry', async () => {
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
      expect(await inbound().nextDueAt()).toBe(7);
    });

    test('behaves like the model for any sequence of commands', async () => {
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
        { numRuns: 60 * effort },
      );
    });
  });
}

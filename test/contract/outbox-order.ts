// Order keys of outboxes: their part of the store contract.

import { describe, expect, test } from 'vitest';
import type { InboundSms } from '../../src/domain/inbound/model.ts';
import type { OutboxEntry } from '../../src/domain/shared/model.ts';
import type { OutboxStore } from '../../src/domain/shared/ports.ts';

const at = 1_648_206_122_814;

export function orderedEntry(
  id: string,
  orderKey: string,
  more: Partial<OutboxEntry<InboundSms>> = {},
): OutboxEntry<InboundSms> {
  const content = { platform: 'gateway-client', msisdn: orderKey, text: id };
  return { id, content, orderKey, since: at, dueAt: at, attempts: 0, history: [], ...more };
}

export const idsIn = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);

/** Claims and removes entries until none is due at `now`; returns their ids. */
export async function deliverAll(outbox: OutboxStore<InboundSms>, now = at): Promise<string[]> {
  const delivered: string[] = [];
  for (let found = await outbox.claim(now, 9); found.length > 0; found = await outbox.claim(now, 9)) {
    for (const id of found) await outbox.settle(id, undefined);
    delivered.push(...found);
  }
  return delivered;
}

export function outboxOrderContract(inbound: () => OutboxStore<InboundSms>): void {
  describe('order keys', () => {
    test('of the entries with one key the first to arrive is claimed, whatever their ids and times', async () => {
      const times = { c: at, a: at - 5, b: at + 99 };
      for (const [id, since] of Object.entries(times)) await inbound().put(orderedEntry(id, 'k', { since }));
      await inbound().put(orderedEntry('x', 'l'));
      expect((await inbound().claim(at, 9)).sort()).toEqual(['c', 'x']);
      expect(await inbound().claim(at, 9)).toEqual([]);
      expect(await inbound().nextDueAt()).toBeUndefined();
      expect(await inbound().count()).toEqual({ waiting: 4, deadLetters: 0 });
      expect(idsIn(await inbound().waitingOf('k', 9))).toEqual(['c', 'a', 'b']);
      expect(idsIn(await inbound().waitingOf('k', 2))).toEqual(['c', 'a']);
      expect(await inbound().waitingOf('kk', 9)).toEqual([]);
      expect(await Promise.all(['k', 'l', 'kk'].map((key) => inbound().countOf(key)))).toEqual([3, 1, 0]);
      expect(idsIn(await inbound().waiting(9)).slice(2)).toEqual(['a', 'b']);
      expect(await inbound().countBehind()).toBe(2);
      expect(idsIn(await inbound().waiting(1, 3))).toEqual(['b']);
      await inbound().settle('c', undefined);
      expect(await inbound().nextDueAt()).toBe(at - 5);
      expect(await deliverAll(inbound())).toEqual(['a', 'b']);
      expect(await inbound().countBehind()).toBe(0);
    });

    test('entries are counted by the first word of their order keys', async () => {
      const count = (word: string) => inbound().countOfGroup(word);
      const keys = ['dev 1 MTN', 'dev 2 MTN', 'dev 1 MTN', 'dev', 'devil 1 MTN', 'de 1', 'dev! 1'];
      for (const [n, key] of keys.entries()) await inbound().put(orderedEntry(`e${n}`, key));
      expect(await Promise.all(['dev', 'devil', 'de', 'd'].map(count))).toEqual([3, 1, 1, 0]);
      await inbound().remove('e0');
      expect(await inbound().claim(at, 9)).toContain('e2');
      expect(await count('dev')).toBe(2);
      await inbound().settle('e2', undefined);
      expect(await count('dev')).toBe(1);
    });

    test('an entry that backs off holds back those behind it, and the next is due when it leaves', async () => {
      await inbound().put(orderedEntry('a', 'k'));
      await inbound().put(orderedEntry('b', 'k', { dueAt: at + 1_000 }));
      expect(await inbound().claim(at, 9)).toEqual(['a']);
      await inbound().settle('a', orderedEntry('a', 'k', { dueAt: at + 5_000, attempts: 1, since: at + 1 }));
      expect(await inbound().claim(at + 4_999, 9)).toEqual([]);
      expect(await inbound().nextDueAt()).toBe(at + 5_000);
      expect(await inbound().claim(at + 5_000, 9)).toEqual(['a']);
      await inbound().postpone('a', at + 7_000);
      expect(await inbound().claim(at + 6_999, 9)).toEqual([]);
      await inbound().remove('a');
      expect(await inbound().claim(at, 9)).toEqual(['b']);
    });

    test('a dead letter holds nothing back, and is the last when it is retried', async () => {
      for (const id of ['a', 'b', 'c']) await inbound().put(orderedEntry(id, 'k'));
      expect(await inbound().claim(at, 9)).toEqual(['a']);
      await inbound().settle('a', orderedEntry('a', 'k', { dueAt: null }));
      expect(idsIn(await inbound().waitingOf('k', 9))).toEqual(['b', 'c']);
      await inbound().put(orderedEntry('a', 'k'));
      expect(idsIn(await inbound().waitingOf('k', 9))).toEqual(['b', 'c', 'a']);
      // A retry of an entry that waits does not move it.
      await inbound().put(orderedEntry('b', 'k', { since: at - 1 }));
      expect(await deliverAll(inbound())).toEqual(['b', 'c', 'a']);
    });

    test('an attempt of a new entry is recorded only while no other one of its key waits', async () => {
      expect(await inbound().putClaimed(orderedEntry('a', 'k'))).toBe('claimed');
      expect(await inbound().putClaimed(orderedEntry('a', 'k', { attempts: 1 }))).toBe('claimed');
      expect(await inbound().putClaimed(orderedEntry('b', 'k'))).toBe('behind');
      expect(await inbound().get('b')).toBeUndefined();
      expect(await inbound().putClaimed(orderedEntry('x', 'l'))).toBe('claimed');
      await inbound().put(orderedEntry('b', 'k'));
      await inbound().settle('a', undefined);
      expect(await inbound().putClaimed(orderedEntry('c', 'k'))).toBe('behind');
      expect(await inbound().putClaimed(orderedEntry('b', 'k'))).toBe('taken');
      expect(await deliverAll(inbound())).toEqual(['b']);
      expect(await inbound().putClaimed(orderedEntry('c', 'k'))).toBe('claimed');
    });

    test('concurrent attempts of new entries with one key: one is recorded', async () => {
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, n) => inbound().putClaimed(orderedEntry(`${n}`, 'k'))),
      );
      expect(claims.filter((claim) => claim === 'claimed')).toHaveLength(1);
      expect(await inbound().count()).toEqual({ waiting: 1, deadLetters: 0 });
    });

    test('entries with a sequence, as an export has them, keep their order in which they are put', async () => {
      for (const id of ['a', 'b', 'c', 'd']) await inbound().put(orderedEntry(id, 'k'));
      const exported = await inbound().waitingOf('k', 9);
      for (const { id } of exported) await inbound().remove(id);
      for (const entry of exported.toReversed()) await inbound().put(entry);
      await inbound().put(orderedEntry('e', 'k'));
      expect(await inbound().claim(at, 9)).toEqual(['a']);
      expect(idsIn(await inbound().waitingOf('k', 9))).toEqual(['a', 'b', 'c', 'd', 'e']);
      const [first] = exported;
      // An earlier one arrives while another one is claimed.
      await inbound().put(orderedEntry('0', 'k', { sequence: (first?.sequence ?? 0) - 1 }));
      expect(await inbound().claim(at, 9)).toEqual([]);
      await inbound().postpone('a', at);
      expect(await deliverAll(inbound())).toEqual(['0', 'a', 'b', 'c', 'd', 'e']);
    });
  });
}

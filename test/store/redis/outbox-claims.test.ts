// Claims in Redis that expired or were taken over, and data that must not accumulate there.

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { InboundSms } from '../../../src/domain/inbound/model.ts';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import { deliverAll, idsIn, orderedEntry } from '../../contract/outbox-order.ts';
import { entry, waiting } from '../../contract/outboxes.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { redisForFile } from '../../support/redis.ts';
import { newPrefix, openRedisStore, timeOf } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const now = 1_648_206_200_000;
const leaseMs = 50;

/** Two nodes, the first of which has claimed the entry; its claims are renewed only when its clock advances. */
async function openTwo() {
  const prefix = newPrefix();
  const clock = createFakeClock();
  const { store: first } = await openRedisStore(redis(), { prefix, leaseMs, clock, now: () => now });
  const { store: other } = await openRedisStore(redis(), { prefix, leaseMs, now: () => now });
  await first.inbound.put(entry);
  expect(await first.inbound.claim(now, 9)).toEqual([entry.id]);
  const idle = async () => {
    const command = [
      'xpending',
      `${prefix}:{inbound}:due`,
      'nodes',
      'IDLE',
      `${leaseMs + 10}`,
      '-',
      '+',
      '9',
    ];
    await vi.waitFor(async () => expect(await redis().call(...command)).not.toBe(''), { timeout: 10_000 });
  };
  const entries = () => redis().call('xlen', `${prefix}:{inbound}:due`);
  return { first: first.inbound, other: other.inbound, clock, idle, entries };
}

test('a node that returns does not renew a claim that another one has taken over', async () => {
  const { first, other, clock, idle } = await openTwo();
  await idle();
  expect(await other.claim(now, 9)).toEqual([entry.id]);
  clock.advance(leaseMs);
  // Sent after the renewal, on the same connection.
  await first.count();
  expect(await other.settle(entry.id, undefined)).toBe(true);
});

test('an entry that another node has claimed holds back those behind it, also when its node dies', async () => {
  const { first, other, idle } = await openTwo();
  await first.settle(entry.id, undefined);
  for (const id of ['a', 'b', 'c']) await other.put(orderedEntry(id, 'k', { dueAt: now, since: now }));
  expect(await first.claim(now, 9)).toEqual(['a']);
  expect(await other.claim(now, 9)).toEqual([]);
  expect(await other.putClaimed(orderedEntry('d', 'k'))).toBe('behind');
  await idle();
  expect(await other.claim(now, 9)).toEqual(['a']);
  expect(await first.settle('a', undefined)).toBe(false);
  expect(await other.settle('a', undefined)).toBe(true);
  expect(await first.claim(now, 9)).toEqual(['b']);
  expect(idsIn(await other.waitingOf('k', 9))).toEqual(['b', 'c']);
});

test('two nodes deliver the entries of each order key in the order of their arrival, whatever they do meanwhile', async () => {
  const step = fc.record({
    node: fc.nat(1),
    action: fc.constantFrom('put', 'put', 'attempt', 'claim', 'deliver', 'fail', 'postpone'),
    key: fc.constantFrom('k', 'l'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const prefix = newPrefix();
      const open = async () => (await openRedisStore(redis(), { prefix, now: () => now })).store.inbound;
      const stores = [await open(), await open()] as const;
      const put: OutboxEntry<InboundSms>[] = [];
      const delivered: string[] = [];
      const claimed = [new Set<string>(), new Set<string>()];
      for (const [n, { node, action, key }] of steps.entries()) {
        const outbox = stores[node === 0 ? 0 : 1];
        const mine = claimed[node] ?? new Set();
        const entry = orderedEntry(`${n}`, key, { since: now - n, dueAt: now });
        const [first] = mine;
        if (action === 'put') {
          await outbox.put(entry);
          put.push(entry);
        } else if (action === 'attempt' && (await outbox.putClaimed(entry)) === 'claimed') {
          put.push(entry);
          mine.add(entry.id);
        } else if (action === 'claim') {
          for (const id of await outbox.claim(now, 1)) mine.add(id);
        } else if (first !== undefined) {
          mine.delete(first);
          if (action === 'postpone') await outbox.postpone(first, now);
          else if (action === 'deliver') {
            expect(await outbox.settle(first, undefined)).toBe(true);
            delivered.push(first);
          } else {
            const failed = put.find(({ id }) => id === first);
            if (failed) await outbox.settle(first, { ...failed, attempts: 1 });
          }
        }
      }
      for (const [node, outbox] of stores.entries()) {
        for (const id of claimed[node] ?? []) await outbox.postpone(id, now);
      }
      for (const id of await deliverAll(stores[0], now)) delivered.push(id);
      for (const key of ['k', 'l']) {
        const arrived = idsIn(put.filter(({ orderKey }) => orderKey === key));
        expect(delivered.filter((id) => arrived.includes(id))).toEqual(arrived);
      }
    }),
    { numRuns: 15 },
  );
});

test('entries with order keys leave nothing behind', async () => {
  const prefix = newPrefix();
  const { store } = await openRedisStore(redis(), { prefix, now: () => now });
  for (const id of ['a', 'b']) await store.inbound.put(orderedEntry(id, 'k'));
  expect(await deliverAll(store.inbound, now)).toEqual(['a', 'b']);
  expect(await redis().call('keys', `${prefix}:*`)).toBe(`${prefix}:{inbound}:due`);
});

test('replacing a claimed entry ends its claim', async () => {
  const { first, other, entries } = await openTwo();
  expect(await entries()).toBe('1');
  await first.put(waiting(entry.id, now + 1_000_000));
  expect(await entries()).toBe('0');
  expect(await other.claim(now, 9)).toEqual([]);
});

test('expired values are removed, a few with each put', async () => {
  const prefix = newPrefix();
  const clock = createFakeClock();
  const { store } = await openRedisStore(redis(), { prefix, clock, now: timeOf(clock) });
  const put = (id: string) => store.receipts.put(id, { reply: 'published', history: [] });
  for (let n = 0; n < 12; n++) await put(`old ${n}`);
  clock.advance(60_000);
  for (const left of [9, 6, 3, 4]) {
    await put(`new ${left}`);
    expect(Number(await redis().call('hlen', `${prefix}:{receipts}:values`))).toBe(left);
  }
});

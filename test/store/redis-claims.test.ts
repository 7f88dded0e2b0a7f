// Claims in Redis that ran out or were overtaken, and what must not pile up there.

import { expect, test, vi } from 'vitest';
import { parcel, waiting } from '../contract/outboxes.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { redisForFile } from '../support/redis.ts';
import { newPrefix, openRedisStore, timeOf } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const now = 1_648_206_200_000;
const leaseMs = 50;

/** Two nodes, the first one of which has claimed the parcel; its claims are renewed only when its clock is moved. */
async function openTwo() {
  const prefix = newPrefix();
  const clock = createFakeClock();
  const { store: first } = await openRedisStore(redis(), { prefix, leaseMs, clock, now: () => now });
  const { store: other } = await openRedisStore(redis(), { prefix, leaseMs, now: () => now });
  await first.inbound.put(parcel);
  expect(await first.inbound.claim(now, 9)).toEqual([parcel.id]);
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
    await vi.waitFor(async () => expect(await redis().cli(...command)).not.toBe(''), { timeout: 10_000 });
  };
  const entries = () => redis().cli('xlen', `${prefix}:{inbound}:due`);
  return { first: first.inbound, other: other.inbound, clock, idle, entries };
}

test('a node that comes back does not renew what another one has by now', async () => {
  const { first, other, clock, idle } = await openTwo();
  await idle();
  expect(await other.claim(now, 9)).toEqual([parcel.id]);
  clock.advance(leaseMs);
  // Comes after the renewal, on the same connection.
  await first.count();
  expect(await other.settle(parcel.id, undefined)).toBe(true);
});

test('a claimed parcel that is put anew is in no claim that could run out', async () => {
  const { first, other, entries } = await openTwo();
  expect(await entries()).toBe('1');
  await first.put(waiting(parcel.id, now + 1_000_000));
  expect(await entries()).toBe('0');
  expect(await other.claim(now, 9)).toEqual([]);
});

test('what is remembered no longer goes, a few with each that comes', async () => {
  const prefix = newPrefix();
  const clock = createFakeClock();
  const { store } = await openRedisStore(redis(), { prefix, clock, now: timeOf(clock) });
  const put = (id: string) => store.published.put(id, { answer: 'published', life: [] });
  for (let n = 0; n < 12; n++) await put(`old ${n}`);
  clock.advance(60_000);
  for (const left of [9, 6, 3, 4]) {
    await put(`new ${left}`);
    expect(Number(await redis().cli('hlen', `${prefix}:{published}:values`))).toBe(left);
  }
});

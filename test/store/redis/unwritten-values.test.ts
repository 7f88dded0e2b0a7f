// Values that Redis refuses to store: what they record has happened, so that the process keeps and writes them.

import { expect, onTestFinished, test, vi } from 'vitest';
import { receipt } from '../../contract/ttl-stores.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { redisForFile } from '../../support/redis.ts';
import { newPrefix, openRedisStore } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const later = { ...receipt, reply: 'accepted' } as const;

/** Two nodes, of which the first has a clock for the test. */
async function openTwo() {
  const prefix = newPrefix();
  const clock = createFakeClock();
  const now = () => 0;
  const { store } = await openRedisStore(redis(), { prefix, clock, now });
  const { store: other } = await openRedisStore(redis(), { prefix, now });
  const setReplicas = (count: number) =>
    redis().call('config', 'set', 'min-replicas-to-write', String(count));
  onTestFinished(async () => void (await setReplicas(0)));
  return {
    receipts: store.receipts,
    others: other.receipts,
    clock,
    close: store.close,
    refuseWrites: () => setReplicas(1),
    acceptWrites: () => setReplicas(0),
  };
}

test('a failed put is reported, known to its process, and written when Redis accepts it', async () => {
  const { receipts, others, clock, refuseWrites, acceptWrites } = await openTwo();
  await receipts.put('old', receipt);
  await refuseWrites();
  for (const [key, value] of [
    ['a', receipt],
    ['b', receipt],
    ['a', later],
  ] as const)
    await expect(receipts.put(key, value)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect([await receipts.get('a'), await receipts.get('b')]).toEqual([later, receipt]);
  expect(await receipts.get('old')).toEqual(receipt);
  expect(await others.get('a')).toBeUndefined();
  clock.advance(1_000);
  await acceptWrites();
  await vi.waitFor(async () => {
    clock.advance(1_000);
    expect([await others.get('a'), await others.get('b')]).toEqual([later, receipt]);
  });
  // The first node reads what another one has put since then.
  await others.put('b', later);
  expect(await receipts.get('b')).toEqual(later);
});

test('the latest 1,000 are kept', async () => {
  const { receipts, refuseWrites } = await openTwo();
  await refuseWrites();
  const puts = Array.from({ length: 1_001 }, (_, n) => receipts.put(String(n), receipt));
  await Promise.allSettled(puts);
  expect(await receipts.get('0')).toBeUndefined();
  expect(await receipts.get('1')).toEqual(receipt);
});

test('a closed store writes none', async () => {
  const { receipts, others, clock, close, refuseWrites, acceptWrites } = await openTwo();
  await refuseWrites();
  await expect(receipts.put('a', receipt)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await close();
  await expect(receipts.put('a', receipt)).rejects.toThrow('the store is closed');
  await acceptWrites();
  const every = vi.spyOn(clock, 'every');
  clock.advance(60_000);
  expect(every).not.toHaveBeenCalled();
  expect(await others.get('a')).toBeUndefined();
});

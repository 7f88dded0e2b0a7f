// The clock of Redis, which all nodes use, may be set back.

import { expect, test } from 'vitest';
import { redisForFile } from '../../support/redis.ts';
import { openRedisStore } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });

test('when the clock of Redis is set back, windows and the lease of a dead process last no longer than their length', async () => {
  let time = 10_000_000;
  const { store } = await openRedisStore(redis(), { now: () => time });
  const { limits, shared } = store;
  const limit = { count: 1, windowMs: 60_000 };
  await limits.consume('ping:imsi:1', limit);
  await shared?.leases.acquire('key', 10_000);
  time -= 3_600_000;
  expect(await limits.peek('ping:imsi:1', limit)).toBe(60);
  expect(await shared?.leases.acquire('key', 10_000)).toMatchObject({ acquired: false });
  time += 10_000;
  expect(await shared?.leases.acquire('key', 10_000)).toMatchObject({ acquired: true });
  time += 50_000;
  expect(await limits.consume('ping:imsi:1', limit)).toBe(0);
});

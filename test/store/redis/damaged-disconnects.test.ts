// Damaged records of the audit trail in Redis.

import { expect, test } from 'vitest';
import { disconnectOf } from '../../contract/disconnects.ts';
import { redisForFile } from '../../support/redis.ts';
import { newPrefix, openRedisStore } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });

test('damaged and missing records hide none of those before them', async () => {
  const prefix = newPrefix();
  const disconnects = { ttlMs: 60_000, max: 1_000, maxUntrusted: 20 };
  const { store, clock, log } = await openRedisStore(redis(), { prefix, disconnects });
  const records = Array.from({ length: 520 }, (_, n) => disconnectOf(clock.now() + n));
  await Promise.all(records.map((record) => store.disconnects.add(record)));
  const values = `${prefix}:{disconnects}:values`;
  await redis().call('hset', values, records[400]?.id ?? '', 'no JSON');
  await redis().call('hdel', values, records[300]?.id ?? '');
  const { records: found } = await store.disconnects.list({}, { limit: 600 });
  expect(found).toEqual(records.filter((_, n) => n !== 400 && n !== 300).toReversed());
  expect(log.lines.map(({ message }) => message)).toEqual(['skipped a damaged record of a disconnect']);
});

import { expect, onTestFinished, test } from 'vitest';
import type { ArchivedRecord } from '../../../src/store/archive/archive.ts';
import { openLowdbArchive } from '../../../src/store/lowdb/archive.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { openRedisArchive } from '../../../src/store/redis/archive.ts';
import { createRedisStore } from '../../../src/store/redis/store.ts';
import { archiveContract, type OpenPlace, roundTrip } from '../../contract/archives.ts';
import { seed, storeOptions, user } from '../../contract/store.ts';
import { linesOf } from '../../support/archives.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { redisForFile } from '../../support/redis.ts';
import { sharedConnection } from '../../support/redis-client.ts';
import { clusterForFile } from '../../support/redis-cluster.ts';
import { newPrefix, timeOf } from '../redis/support.ts';

const redis = redisForFile({ appendfsync: 'no' });
const cluster = clusterForFile();
const connection = sharedConnection(() => redis().url);
const clusterConnection = sharedConnection(() => cluster().url);

const openLowdb: OpenPlace = (options) => {
  const folder = temporaryFolder();
  return {
    archive: () => openLowdbArchive({ ...options, folder }),
    store: () => openLowdbStore({ ...options, folder }),
  };
};

const openRedis: OpenPlace = (options) => {
  const prefix = newPrefix();
  const now = timeOf(options.clock);
  return {
    archive: async () => openRedisArchive({ ...options, redis: await connection(), prefix, now }),
    store: async () => createRedisStore({ ...options, redis: await connection(), prefix, now, slots: 1 }),
  };
};

test('exports the users of all masters of a cluster, and no key of another installation', async () => {
  const clock = createFakeClock();
  const open = async (prefix: string) => {
    const archive = openRedisArchive({ ...storeOptions(clock), redis: await clusterConnection(), prefix });
    onTestFinished(() => archive.close());
    return archive;
  };
  const users = Array.from({ length: 600 }, (_, n): ArchivedRecord => {
    return { kind: 'users', record: { ...user, userId: `user ${n}` } };
  });
  // The other installation's prefix starts with this one's prefix of users.
  const inside = await open('t:user');
  await inside.restore({ kind: 'users', record: user });
  await inside.restore({ kind: 'seeds', record: seed });
  const archive = await open('t');
  await Promise.all(users.map((each) => archive.restore(each)));
  expect(await archive.count()).toMatchObject({ seeds: 0, users: users.length });
  expect((await linesOf(archive)).sorted).toEqual(users.map((each) => JSON.stringify(each)).toSorted());
  expect(await inside.count()).toMatchObject({ seeds: 1, users: 1 });
});

test('exports a TTL store in order of insertion, whatever its size', async () => {
  const clock = createFakeClock();
  const options = { ...storeOptions(clock), clock, receipts: { ttlMs: 60_000, max: 5_000 } };
  const receipts = Array.from({ length: 1_234 }, (_, n): ArchivedRecord => {
    const record = { reply: 'published', history: [] } as const;
    return { kind: 'receipts', key: `${n * 7919}`, until: clock.now() + 1 + n, record };
  });
  for (const { archive } of [openLowdb(options), openRedis(options)]) {
    const opened = await archive();
    onTestFinished(() => opened.close());
    await Promise.all(receipts.map((receipt) => opened.restore(receipt)));
    expect((await linesOf(opened)).expiring).toEqual(receipts.map((receipt) => JSON.stringify(receipt)));
  }
});

test('names a damaged record in Redis', async () => {
  const options = { ...storeOptions(createFakeClock()), prefix: newPrefix() };
  const archive = openRedisArchive({ ...options, redis: await connection() });
  onTestFinished(() => archive.close());
  await redis().call('set', `${options.prefix}:user:alice`, '{"userId":"alice"}');
  await expect(linesOf(archive)).rejects.toThrow(`${options.prefix}:user:alice: a user in Redis is damaged`);
});

archiveContract('lowdb', openLowdb);
archiveContract('Redis', openRedis);
roundTrip('from lowdb to Redis', openLowdb, openRedis);

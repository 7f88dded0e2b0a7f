import { openLowdbArchive } from '../../src/store/lowdb/archive.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { openRedisArchive } from '../../src/store/redis/archive.ts';
import { createRedisStore } from '../../src/store/redis/store.ts';
import { archiveContract, type OpenPlace, roundTrip } from '../contract/archives.ts';
import { temporaryFolder } from '../support/folders.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo, newPrefix, timeOf } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });

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
    archive: async () => openRedisArchive({ ...options, redis: await connectTo(redis()), prefix, now }),
    store: async () =>
      createRedisStore({ ...options, redis: await connectTo(redis()), prefix, now, slots: 1 }),
  };
};

archiveContract('lowdb', openLowdb);
archiveContract('Redis', openRedis);
roundTrip('from lowdb to Redis', openLowdb, openRedis);

import { createRedisStore } from '../../src/store/redis/store.ts';
import { storeContract } from '../contract/store.ts';
import { redisForFile } from '../support/redis.ts';
import { openConnection } from '../support/redis-client.ts';
import { newPrefix, timeOf } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });

storeContract('Redis', async (options) =>
  createRedisStore({
    ...options,
    redis: (await openConnection(redis().url)).redis,
    prefix: newPrefix(),
    slots: 1,
    now: timeOf(options.clock),
  }),
);

import { createRedisStore } from '../../src/store/redis/store.ts';
import { storeContract } from '../contract/store.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo, newPrefix, timeOf } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });

storeContract('Redis', async (options) =>
  createRedisStore({
    ...options,
    redis: await connectTo(redis()),
    prefix: newPrefix(),
    slots: 1,
    now: timeOf(options.clock),
  }),
);

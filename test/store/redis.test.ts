import { createRedisStore } from '../../src/store/redis/store.ts';
import { storeContract } from '../contract/store.ts';
import { redisForFile } from '../support/redis.ts';
import { sharedConnection } from '../support/redis-client.ts';
import { newPrefix, timeOf } from './redis-support.ts';

const redis = redisForFile({ appendfsync: 'no' });

/** One connection for all tests: every store has keys of its own. */
const shared = sharedConnection(() => redis().url);

storeContract('Redis', async (options) =>
  createRedisStore({
    ...options,
    redis: await shared(),
    prefix: newPrefix(),
    slots: 1,
    now: timeOf(options.clock),
  }),
);

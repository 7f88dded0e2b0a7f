import { storeContract } from '../../contract/store.ts';
import { redisForFile } from '../../support/redis.ts';
import { sharedConnection } from '../../support/redis-client.ts';
import { contractStores } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });

const shared = sharedConnection(() => redis().url);

storeContract('Redis', contractStores(shared));

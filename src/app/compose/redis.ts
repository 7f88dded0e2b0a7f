// Opens the store in the Redis that the configuration names, and the bus over it. Imported only where it is there.

import { createRedisBus } from '../../bus/redis.ts';
import type { Config } from '../../config/schema.ts';
import type { RedisStoreUrl } from '../../config/store-url.ts';
import type { StoreArchive } from '../../store/archive.ts';
import type { StoreOptions } from '../../store/options.ts';
import { openRedisArchive } from '../../store/redis/archive.ts';
import { connectRedis } from '../../store/redis/connection/connect.ts';
import { createRedisStore } from '../../store/redis/store.ts';
import { redisOptions } from './redis-options.ts';
import type { OpenedStore } from './world.ts';

/** Slots of a cluster that sessions are spread over: more than it can have masters in reason. */
const clusterSlots = 256;

/** Connects later when Redis cannot be reached now. Throws CONFIG when a file cannot be read or Redis refuses us. */
export async function openRedis(
  config: Config,
  url: RedisStoreUrl,
  options: StoreOptions,
): Promise<OpenedStore> {
  const { prefix } = config.store;
  const { clock, log } = options;
  const redis = await connectRedis(await redisOptions(config, url, options));
  const slots = url.mode === 'cluster' ? clusterSlots : 1;
  return {
    store: createRedisStore({ ...options, redis, prefix, slots }),
    bus: createRedisBus({ channels: redis, prefix, clock, log }),
  };
}

/** As `openRedis`, for what carries the store elsewhere. */
export async function openRedisStoreArchive(
  config: Config,
  url: RedisStoreUrl,
  options: StoreOptions,
): Promise<StoreArchive> {
  const redis = await connectRedis(await redisOptions(config, url, options));
  return openRedisArchive({ ...options, redis, prefix: config.store.prefix });
}

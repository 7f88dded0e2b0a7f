// Connects to the Redis that the configuration names. Imported only where the store is there.

import { readFile } from 'node:fs/promises';
import { createRedisBus } from '../../bus/redis.ts';
import type { Config } from '../../config/schema.ts';
import type { RedisStoreUrl } from '../../config/store-url.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { StoreArchive } from '../../store/archive.ts';
import type { StoreOptions } from '../../store/options.ts';
import { openRedisArchive } from '../../store/redis/archive.ts';
import { connectRedis, type RedisConnection } from '../../store/redis/connection.ts';
import { createRedisStore } from '../../store/redis/store.ts';
import type { OpenedStore } from './store.ts';
import type { World } from './world.ts';

/** Slots of a cluster that sessions are spread over: more than it can have masters in reason. */
const clusterSlots = 256;

export async function openRedis(
  config: Config,
  url: RedisStoreUrl,
  options: StoreOptions,
): Promise<OpenedStore> {
  const { prefix } = config.store;
  const { clock, log } = options;
  const connection = await connectTo(config, url, options);
  const slots = url.mode === 'cluster' ? clusterSlots : 1;
  return {
    store: createRedisStore({ ...options, redis: connection, prefix, slots }),
    bus: createRedisBus({ channels: connection, prefix, clock, log }),
  };
}

/** As `openRedis`, for what carries the store elsewhere. */
export async function openRedisStoreArchive(
  config: Config,
  url: RedisStoreUrl,
  options: StoreOptions,
): Promise<StoreArchive> {
  const redis = await connectTo(config, url, options);
  return openRedisArchive({ ...options, redis, prefix: config.store.prefix });
}

/** Throws CONFIG when a file cannot be read or Redis refuses us; connects later when it cannot be reached now. */
async function connectTo(
  { store }: Config,
  url: RedisStoreUrl,
  { clock, log }: Pick<World, 'clock' | 'log'>,
): Promise<RedisConnection> {
  const read = async (key: 'password_file' | 'ca'): Promise<string | undefined> => {
    if (store[key] === '') return undefined;
    try {
      return await readFile(store[key], 'utf8');
    } catch (error) {
      throw new SwobError('CONFIG', `[store] ${key}: cannot read ${store[key]}: ${messageOf(error)}`);
    }
  };
  const fromFile = (await read('password_file'))?.replace(/\r?\n$/, '');
  return connectRedis({
    mode: url.mode,
    nodes: url.nodes,
    master: url.master,
    db: url.db,
    user: url.user ?? (store.user || undefined),
    password: url.password ?? fromFile ?? (store.password || undefined),
    sentinelPassword: store.sentinel_password || undefined,
    tls: url.tls ? { ca: await read('ca') } : undefined,
    timeoutMs: store.timeout,
    replicas: store.replicas,
    replicaTimeoutMs: store.replica_timeout,
    clock,
    log,
  });
}

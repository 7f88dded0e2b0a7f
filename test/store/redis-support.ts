// Opening Redis stores in a real server, for their tests.

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Clock, Store } from '../../src/domain/ports.ts';
import type { StoreOptions } from '../../src/store/options.ts';
import type { RedisConnection } from '../../src/store/redis/connection/connect.ts';
import { createRedisStore, type RedisStoreOptions } from '../../src/store/redis/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { connectTo } from '../support/redis-client.ts';
import type { RedisServer } from '../support/redis-server.ts';

/** A time that moves with the monotonic one of the clock, whatever its wall shows. */
export function timeOf(clock: Clock): () => number {
  const start = clock.now() - clock.monotonic();
  return () => Math.floor(start + clock.monotonic());
}

export const newPrefix = (): string => `t-${randomUUID()}`;

/** A store with bounds that a test can reach, in keys of its own unless given; closed when the test is over. */
export async function openRedisStore(
  server: Pick<RedisServer, 'url'>,
  options: Partial<RedisStoreOptions> = {},
) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createRedisStore({
    ...storeOptions(clock),
    log,
    redis: (await connectTo(server.url)).redis,
    prefix: newPrefix(),
    slots: 1,
    now: timeOf(clock),
    ...options,
  });
  onTestFinished(() => store.close());
  return { store, clock, log };
}

/** Opens stores for the contract, each with keys of its own on the one connection. */
export function contractStores(connection: () => Promise<RedisConnection>, prefix = '') {
  return async (options: StoreOptions): Promise<Store> =>
    createRedisStore({
      ...options,
      redis: await connection(),
      prefix: `${prefix}${newPrefix()}`,
      slots: 1,
      now: timeOf(options.clock),
    });
}

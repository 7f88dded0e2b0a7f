// Opens Redis stores on a real server. For their tests.

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/domain/shared/ports.ts';
import type { Store } from '../../../src/domain/store.ts';
import type { RedisClient } from '../../../src/redis/connect.ts';
import type { StoreOptions } from '../../../src/store/options.ts';
import { createRedisStore, type RedisStoreOptions } from '../../../src/store/redis/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { connectTo } from '../../support/redis-client.ts';
import type { RedisServer } from '../../support/redis-server.ts';

/** A time that follows the monotonic time of the clock, whatever its wall time. */
export function timeOf(clock: Clock): () => number {
  const start = clock.now() - clock.monotonic();
  return () => Math.floor(start + clock.monotonic());
}

export const newPrefix = (): string => `t-${randomUUID()}`;

/** A store with limits that a test can reach, with new keys unless given; closed at the end of the test. */
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

/** Opens stores for the contract, each with its own keys on the shared connection. */
export function contractStores(connection: () => Promise<RedisClient>, prefix = '') {
  return async (options: StoreOptions): Promise<Store> =>
    createRedisStore({
      ...options,
      redis: await connection(),
      prefix: `${prefix}${newPrefix()}`,
      slots: 1,
      now: timeOf(options.clock),
    });
}

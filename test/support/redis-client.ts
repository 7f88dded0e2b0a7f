// The connection of swob to a Redis of a test, closed when the test is over.

import { afterAll, onTestFinished } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { parseStoreUrl } from '../../src/config/store-url.ts';
import {
  connectRedis,
  type RedisConnection,
  type RedisOptions,
} from '../../src/store/redis/connection/connect.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';

export interface TestConnection {
  readonly redis: RedisConnection;
  readonly log: MemoryLog;
}

/** To what the URL names, with `changes` to the defaults of the configuration; whoever opens it closes it. */
export async function openConnection(
  url: string,
  changes: Partial<RedisOptions> = {},
): Promise<TestConnection> {
  const parsed = parseStoreUrl(url);
  if (parsed.kind !== 'redis') throw new Error(`${url} names no Redis`);
  const { tls, kind: _kind, ...where } = parsed;
  const log = createMemoryLog();
  const redis = await connectRedis({
    ...where,
    ...(tls && { tls: {} }),
    timeoutMs: 2_000,
    replicas: 0,
    replicaTimeoutMs: 1_000,
    clock: systemClock,
    log,
    ...changes,
  });
  return { redis, log };
}

/** The same, closed when the test is over. */
export async function connectTo(url: string, changes: Partial<RedisOptions> = {}): Promise<TestConnection> {
  const connection = await openConnection(url, changes);
  onTestFinished(() => connection.redis.close());
  return connection;
}

/** One connection for all tests of a file, which none of them closes. */
export function sharedConnection(
  url: () => string,
  changes: Partial<RedisOptions> = {},
): () => Promise<RedisConnection> {
  let opened: Promise<TestConnection> | undefined;
  afterAll(async () => (await opened)?.redis.close());
  return async () => {
    opened ??= openConnection(url(), changes);
    return { ...(await opened).redis, close: async () => {} };
  };
}

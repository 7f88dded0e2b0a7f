// Connections of swob to a Redis of a test, closed at the end of the test.

import { afterAll } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { connectRedis, type RedisClient, type RedisOptions } from '../../src/redis/connect.ts';
import { parseRedisUrl } from '../../src/store/redis/url.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';
import { patient } from './patience.ts';
import { onEnd } from './teardown.ts';

export interface TestConnection {
  readonly redis: RedisClient;
  readonly log: MemoryLog;
}

/** Connects to the URL, with `changes` to the default configuration; the caller closes it. */
export async function openConnection(
  url: string,
  changes: Partial<RedisOptions> = {},
): Promise<TestConnection> {
  const { tls, ...where } = parseRedisUrl(url);
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

/** The same, closed at the end of the test. */
export async function connectTo(url: string, changes: Partial<RedisOptions> = {}): Promise<TestConnection> {
  const connection = await openConnection(url, changes);
  onEnd(() => connection.redis.close());
  return connection;
}

/**
 * One connection for all tests of a file, which none of them closes. It waits long for replies: on a busy machine, one that was late
 * for a moment failed all tests up to the next connection.
 */
export function sharedConnection(
  url: () => string,
  changes: Partial<RedisOptions> = {},
): () => Promise<RedisClient> {
  let opened: Promise<TestConnection> | undefined;
  afterAll(async () => (await opened)?.redis.close());
  return async () => {
    opened ??= openConnection(url(), { timeoutMs: patient(60_000), ...changes });
    return { ...(await opened).redis, close: async () => {} };
  };
}

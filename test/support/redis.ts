// A real Redis for the tests of a file.

import { afterAll, beforeAll, beforeEach } from 'vitest';
import { needs, present } from './needs.ts';
import { type RedisServer, type RedisServerOptions, redisNeeds, startRedis } from './redis-server.ts';

/** One server for all tests of a file. Each of them is skipped, or fails under CI=true, where there is none. */
export function redisForFile(options: RedisServerOptions = {}): () => RedisServer {
  return forFile('Redis', () => startRedis(options));
}

/** What `start` starts, for all tests of a file. */
export function forFile<T extends { stop(): Promise<void> }>(name: string, start: () => Promise<T>): () => T {
  let started: T | undefined;
  beforeAll(async () => {
    if (present(...redisNeeds)) started = await start();
  });
  afterAll(() => started?.stop());
  beforeEach((context) => needs(context, ...redisNeeds));
  return () => {
    if (!started) throw new Error(`${name} is not running`);
    return started;
  };
}

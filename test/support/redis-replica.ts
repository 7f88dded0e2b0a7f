// A real Redis with one replica, which nothing promotes.

import { vi } from 'vitest';
import { forFile } from './redis.ts';
import { type RedisServer, type RedisServerOptions, redisHost, startRedis } from './redis-server.ts';

export interface RedisPair {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The replica is connected and has everything. */
  ready(): Promise<void>;
}

/** One pair for all tests of a file. Skipped or failed as with `redisForFile`. */
export function redisPairForFile(options: RedisServerOptions = {}): () => RedisPair {
  return forFile('Redis with a replica', async () => {
    const args = [...(options.args ?? []), '--repl-diskless-sync-delay', '0'];
    const master = await startRedis({ ...options, args });
    const replicaOf = ['--replicaof', `${redisHost} ${master.port}`];
    const replica = await startRedis({ ...options, args: [...args, ...replicaOf] });
    const ready = async (): Promise<void> => {
      replica.thaw();
      await vi.waitFor(
        async () => {
          if (!(await replica.call('role')).includes('\nconnected')) throw new Error('not connected yet');
        },
        { timeout: 20_000, interval: 50 },
      );
    };
    await ready();
    return {
      master,
      replica,
      ready,
      stop: async () => void (await Promise.all([replica.stop(), master.stop()])),
    };
  });
}

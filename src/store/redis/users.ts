// Paired users in Redis, one key each.

import type { PairedUser } from '../../domain/pairing/model.ts';
import type { UserStore } from '../../domain/pairing/ports.ts';
import type { RedisScript } from '../../redis/connect.ts';
import { isUser } from '../guards.ts';
import { readRecord } from './records.ts';
import type { KeySpace, ScriptRunner } from './script.ts';

export const userKind = 'user';

/** A record that was not replicated is never used. */
const pendingTtlMs = 60_000;

export function createRedisUsers(redis: ScriptRunner, keys: KeySpace): UserStore {
  const keyOf = (userId: string): string => keys.single(userKind, userId);
  const get = async (userId: string, read = redis.run): Promise<PairedUser | undefined> =>
    readRecord('user', isUser, await read(scripts.get, [keyOf(userId)], []));

  /** Replicates the new record under another key first, so that without replicas the earlier key stays in use. */
  const put = async (user: PairedUser, ...earlier: readonly string[]): Promise<unknown> => {
    const key = keyOf(user.userId);
    const record = JSON.stringify(user);
    await redis.durable(scripts.prepare, [keys.colocated(key, 'pending')], [record, pendingTtlMs]);
    return redis.durable(scripts.put, [key], [record, ...earlier]);
  };

  return {
    get: (userId) => get(userId),
    // WAIT covers everything that the master wrote before the read.
    getDurable: async (userId) => ((await get(userId)) ? get(userId, redis.durable) : undefined),
    put: async (user) => void (await put(user)),
    replace: async (user, earlier) =>
      (await put(user, earlier === undefined ? '' : JSON.stringify(earlier))) === 1,
  };
}

const scripts = {
  get: { name: 'get user', keys: 1, lua: "return redis.call('GET', KEYS[1])" },
  prepare: {
    name: 'prepare user',
    keys: 1,
    lua: "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])",
  },
  /** ARGV: user, and the record that must be present. */
  put: {
    name: 'put user',
    keys: 1,
    lua: `
if ARGV[2] and (redis.call('GET', KEYS[1]) or '') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1`,
  },
} as const satisfies Record<string, RedisScript>;

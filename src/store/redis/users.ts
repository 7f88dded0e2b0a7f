// Paired users in Redis, one key each.

import type { PairedUser } from '../../domain/pairing/model.ts';
import type { UserStore } from '../../domain/pairing/ports.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { tryParseJson } from '../../lib/json.ts';
import type { RedisClient, RedisScript } from '../../redis/connect.ts';
import { isUser } from '../guards.ts';
import { createIdPage } from '../id-page.ts';
import { readRecord } from './records.ts';
import { scanKeys } from './scan.ts';
import type { KeySpace, ScriptRunner } from './script.ts';

export const userKind = 'user';

/** A record that was not replicated is never used. */
const pendingTtlMs = 60_000;

/** Records of a page that are read concurrently. */
const readConcurrency = 64;

/** @param connection of the same Redis, to find the users: their keys have no index, which old versions would not maintain */
export function createRedisUsers(redis: ScriptRunner, keys: KeySpace, connection: RedisClient): UserStore {
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
    list: async (prefix, limit, after) => {
      const page = createIdPage(prefix, limit, after);
      const beginning = keyOf('');
      const known = /^[\w.+-]*/.exec(prefix)?.[0] ?? '';
      for await (const names of scanKeys(connection, beginning + known)) {
        for (const name of names) page.add(name.slice(beginning.length));
      }
      const { ids, hasMore } = page.result();
      const users: PairedUser[] = [];
      const read = (userId: string) => redis.run(scripts.get, [keyOf(userId)], []);
      for await (const text of mapConcurrent(ids, readConcurrency, read)) {
        const user = typeof text === 'string' ? tryParseJson(text) : undefined;
        // Another installation's prefix may start with this one's prefix of users.
        if (isUser(user) && ids.includes(user.userId)) users.push(user);
      }
      return { users, next: hasMore ? ids.at(-1) : undefined };
    },
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

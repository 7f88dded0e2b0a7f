// Paired users in Redis: a key each.

import type { UserStore } from '../../domain/ports.ts';
import { isUser } from '../shapes.ts';
import type { RedisScript } from './connection/connect.ts';
import { readRecord } from './records.ts';
import type { KeySpace, Redis } from './script.ts';

export const userKind = 'user';

export function createRedisUsers(redis: Redis, keys: KeySpace): UserStore {
  const keyOf = (userId: string): string => keys.alone(userKind, userId);
  return {
    get: async (userId) => readRecord('user', isUser, await redis.run(scripts.get, [keyOf(userId)], [])),
    put: async (user) => {
      await redis.durable(scripts.put, [keyOf(user.userId)], [JSON.stringify(user)]);
    },
  };
}

const scripts = {
  get: { name: 'get user', keys: 1, lua: "return redis.call('GET', KEYS[1])" },
  put: { name: 'put user', keys: 1, lua: "return redis.call('SET', KEYS[1], ARGV[1])" },
} as const satisfies Record<string, RedisScript>;

// TTL stores in Redis: a hash of values, a sorted set of their order, and their total weight.

import type { TtlStore } from '../../domain/shared/ports.ts';
import type { Guard } from '../guards.ts';
import type { TtlBounds } from '../options.ts';
import { readRecord } from './records.ts';
import { encodeId, type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

export interface RedisTtlStoreOptions<T> {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  /** Part of the key names. */
  readonly name: 'receipts' | 'responses' | 'sign-outs';
  readonly isValue: Guard<T>;
  readonly bounds: TtlBounds;
  /** The size of a value where the bounds limit characters. */
  readonly charactersOf?: (value: T) => number;
}

/** A limit that no value reaches. */
const unbounded = Number.MAX_SAFE_INTEGER;

export interface RedisTtlStore<T> extends TtlStore<T> {
  /**
   * The same as `put` for an existing entry with its own expiry (Unix time in milliseconds), but never longer than
   * `put`.
   */
  restore(key: string, value: T, until: number): Promise<void>;
}

export function createRedisTtlStore<T>(options: RedisTtlStoreOptions<T>): RedisTtlStore<T> {
  const { redis, keys, now, name, isValue, bounds, charactersOf = () => 0 } = options;
  const { ttlMs, max, maxCharacters = unbounded } = bounds;
  const names = ttlStoreKeys(keys, name);

  const put = async (key: string, value: T, ...more: (string | number)[]): Promise<unknown> => {
    const args = [encodeId(key), JSON.stringify(value), charactersOf(value), ...more];
    return redis.durable(scripts.put, names, [now(), ttlMs, max, maxCharacters, ...args]);
  };

  return {
    get: async (key) => {
      const reply = await redis.run(scripts.get, names, [now(), encodeId(key)]);
      return readRecord('value', isValue, reply);
    },
    put: async (key, value) => void (await put(key, value)),
    replace: async (key, value, earlier) => {
      const there = earlier === undefined ? '' : JSON.stringify(earlier);
      return (await put(key, value, '', there)) === 1;
    },
    restore: async (key, value, until) => void (await put(key, value, until)),
  };
}

/** Values by key, each as `<until> <weight> <JSON>`; keys in order of insertion; the total weight. */
export function ttlStoreKeys(
  keys: KeySpace,
  name: string,
): readonly [values: string, order: string, weight: string] {
  const named = (part: string): string => keys.grouped(name, part);
  return [named('values'), named('order'), named('weight')];
}

/** KEYS: the result of `ttlStoreKeys`. */
const scripts = {
  /** ARGV: now, key. */
  get: timedScript(
    'get value',
    3,
    `
local untilMs, value = string.match(redis.call('HGET', KEYS[1], ARGV[2]) or '', '^(%d+) %d+ (.*)$')
return untilMs and tonumber(untilMs) > now and value`,
  ),
  /**
   * ARGV: now, time to live, maximum of values, maximum of characters, key, value, its characters, an earlier expiry,
   * and the value that must be present.
   */
  put: timedScript(
    'put value',
    3,
    `
if ARGV[9] then
  local untilMs, value = string.match(redis.call('HGET', KEYS[1], ARGV[5]) or '', '^(%d+) %d+ (.*)$')
  if not untilMs or tonumber(untilMs) <= now then value = '' end
  if value ~= ARGV[9] then return 0 end
end
local total = tonumber(redis.call('GET', KEYS[3]) or 0)
local function drop(key)
  local weight = string.match(redis.call('HGET', KEYS[1], key) or '', '^%d+ (%d+) ')
  total = total - (weight or 0)
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
end
drop(ARGV[5])
redis.call('HSET', KEYS[1], ARGV[5], text(math.min(now + ARGV[2], tonumber(ARGV[8]) or math.huge)) .. ' ' .. ARGV[7] .. ' ' .. ARGV[6])
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
redis.call('ZADD', KEYS[2], (last[2] or 0) + 1, ARGV[5])
total = total + ARGV[7]
-- Each call adds one entry and removes up to four expired ones, so that they never accumulate; further removals enforce the bounds.
for n = 1, 1000 do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  local untilMs = oldest and string.match(redis.call('HGET', KEYS[1], oldest) or '0', '^%d+')
  local isOver = untilMs and tonumber(untilMs) <= now and n <= 4
  local isFull = redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) or total > tonumber(ARGV[4])
  if not oldest or not (isOver or isFull) then break end
  drop(oldest)
end
redis.call('SET', KEYS[3], text(total))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return 1`,
  ),
} as const;

// What is remembered for a while, in Redis: a hash, with the order of its keys and what their values weigh beside it.

import type { MemoStore } from '../../domain/ports.ts';
import type { MemoBounds } from '../options.ts';
import type { Shape } from '../shapes.ts';
import { readRecord } from './records.ts';
import { type KeySpace, type Redis, type Timed, timedScript, wellFormed } from './script.ts';

export interface RedisMemoOptions<T> {
  readonly redis: Redis;
  readonly keys: KeySpace;
  readonly now: Timed;
  /** In the names of its keys. */
  readonly name: 'published' | 'answers';
  readonly isValue: Shape<T>;
  readonly bounds: MemoBounds;
  /** What a value counts for where the bounds name characters. */
  readonly charactersOf?: (value: T) => number;
}

/** No bound that a number can pass. */
const unbounded = Number.MAX_SAFE_INTEGER;

export interface RedisMemo<T> extends MemoStore<T> {
  /** As `put`, for what is remembered already: until then (Unix time in milliseconds), and never longer than `put` does. */
  restore(key: string, value: T, until: number): Promise<void>;
}

export function createRedisMemo<T>(options: RedisMemoOptions<T>): RedisMemo<T> {
  const { redis, keys, now, name, isValue, bounds, charactersOf = () => 0 } = options;
  const { rememberMs, max, maxCharacters = unbounded } = bounds;
  const names = memoKeys(keys, name);

  const put = async (key: string, value: T, until: number | ''): Promise<void> => {
    const args = [wellFormed(key), JSON.stringify(value), charactersOf(value), until];
    await redis.durable(scripts.put, names, [now(), rememberMs, max, maxCharacters, ...args]);
  };

  return {
    get: async (key) => {
      const reply = await redis.run(scripts.get, names, [now(), wellFormed(key)]);
      return readRecord('memo', isValue, reply);
    },
    put: (key, value) => put(key, value, ''),
    restore: put,
  };
}

/** Values by key, each as `<until> <weight> <JSON>`; keys in the order of their puts; what all weigh together. */
export function memoKeys(
  keys: KeySpace,
  name: string,
): readonly [values: string, order: string, weight: string] {
  const named = (part: string): string => keys.together(name, part);
  return [named('values'), named('order'), named('weight')];
}

/** KEYS: as `memoKeys` has them. */
const scripts = {
  /** ARGV: now, key. */
  get: timedScript(
    'get memo',
    3,
    `
local untilMs, value = string.match(redis.call('HGET', KEYS[1], ARGV[2]) or '', '^(%d+) %d+ (.*)$')
return untilMs and tonumber(untilMs) > now and value`,
  ),
  /** ARGV: now, how long, most values, most characters, key, value, its characters, until when if not so long. */
  put: timedScript(
    'put memo',
    3,
    `
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
-- One comes and up to four go whose time is over, so that they never pile up; the rest is for bounds.
for n = 1, 1000 do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  local untilMs = oldest and string.match(redis.call('HGET', KEYS[1], oldest) or '0', '^%d+')
  local isOver = untilMs and tonumber(untilMs) <= now and n <= 4
  local isFull = redis.call('ZCARD', KEYS[2]) > tonumber(ARGV[3]) or total > tonumber(ARGV[4])
  if not oldest or not (isOver or isFull) then break end
  drop(oldest)
end
redis.call('SET', KEYS[3], text(total))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end`,
  ),
} as const;

// TTL stores in Redis: a hash of values, a sorted set of their order, and their total weight.

import type { Clock, TtlStore } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { dropOldest } from '../../lib/drop-oldest.ts';
import type { Guard } from '../guards.ts';
import type { TtlBounds } from '../options.ts';
import { readRecord } from './records.ts';
import { encodeId, type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

export interface RedisTtlStoreOptions<T> {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly clock: Pick<Clock, 'every'>;
  /** Part of the key names. */
  readonly name: 'receipts' | 'responses' | 'sign-outs';
  readonly isValue: Guard<T>;
  readonly bounds: TtlBounds;
  /** The size of a value where the bounds limit characters. */
  readonly charactersOf?: (value: T) => number;
}

/** A limit that no value reaches. */
const unbounded = Number.MAX_SAFE_INTEGER;
/** Values that Redis does not have; more than the events of this process that an outage can meet. */
const maxUnwritten = 1_000;
/** Pause between two attempts to write them: before another node takes over what this one had begun. */
const rewriteMs = 1_000;

export interface RedisTtlStore<T> extends TtlStore<T> {
  /**
   * The same as `put` for an existing entry with its own expiry (Unix time in milliseconds), but never longer than
   * `put`.
   */
  restore(key: string, value: T, until: number): Promise<void>;
  /** Gives up values that could not be written. */
  close(): void;
}

export function createRedisTtlStore<T>(options: RedisTtlStoreOptions<T>): RedisTtlStore<T> {
  const { redis, keys, now, clock, name, isValue, bounds, charactersOf = () => 0 } = options;
  const { ttlMs, max, maxCharacters = unbounded } = bounds;
  const names = ttlStoreKeys(keys, name);
  /** What is being written, or could not be: as in the other stores, this process knows it in any case. */
  const unwritten = new Map<string, T>();
  let stopRewriting: (() => void) | undefined;
  let isRewriting = false;
  let isClosed = false;

  const write = async (key: string, value: T, ...more: (string | number)[]): Promise<unknown> => {
    const args = [encodeId(key), JSON.stringify(value), charactersOf(value), ...more];
    return redis.durable(scripts.put, names, [now(), ttlMs, max, maxCharacters, ...args]);
  };
  const forget = (key: string, value: T): void => {
    if (unwritten.get(key) === value) unwritten.delete(key);
  };
  const put = async (key: string, value: T): Promise<void> => {
    unwritten.delete(key);
    unwritten.set(key, value);
    dropOldest(unwritten, maxUnwritten);
    try {
      await write(key, value);
      forget(key, value);
    } catch (error) {
      if (!(error instanceof SwobError) || error.code !== 'UNAVAILABLE') forget(key, value);
      else if (!isClosed) stopRewriting ??= clock.every(rewriteMs, () => void rewrite());
      throw error;
    }
  };
  const rewrite = async (): Promise<void> => {
    if (isRewriting) return;
    isRewriting = true;
    try {
      for (const [key, value] of [...unwritten]) {
        await write(key, value);
        forget(key, value);
      }
      if (unwritten.size === 0) endRewriting();
    } catch {
      // The next attempt follows.
    } finally {
      isRewriting = false;
    }
  };
  const endRewriting = (): void => {
    stopRewriting?.();
    stopRewriting = undefined;
  };

  return {
    get: async (key) => {
      const known = unwritten.get(key);
      if (known !== undefined) return known;
      const reply = await redis.run(scripts.get, names, [now(), encodeId(key)]);
      return readRecord('value', isValue, reply);
    },
    put,
    replace: async (key, value, earlier) => {
      const there = earlier === undefined ? '' : JSON.stringify(earlier);
      return (await write(key, value, '', there)) === 1;
    },
    restore: async (key, value, until) => void (await write(key, value, until)),
    close: () => {
      isClosed = true;
      endRewriting();
    },
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

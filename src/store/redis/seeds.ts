// Seeds in Redis: a hash of all by IMSI, and a sorted set of those that pinged lately.

import type { Seed } from '../../domain/model.ts';
import type { Log, SeedStore } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';
import type { StoreOptions } from '../options.ts';
import { tooManySeeds } from '../refusals.ts';
import { isSeed } from '../shapes.ts';
import { readRecord, readRecords } from './records.ts';
import { type KeySpace, type Redis, type Timed, timedScript } from './script.ts';

export interface RedisSeedsOptions {
  readonly redis: Redis;
  readonly keys: KeySpace;
  readonly now: Timed;
  readonly log: Log;
  readonly seeds: StoreOptions['seeds'];
}

export interface RedisSeeds extends SeedStore {
  /** Adds or replaces a seed that may have pinged long ago; its LPS says whether it is active. Throws as `ping` does. */
  restore(seed: Seed): Promise<void>;
}

export function createRedisSeeds({ redis, keys, now, log, seeds: options }: RedisSeedsOptions): RedisSeeds {
  const names = seedKeys(keys);
  const checkAge = (maxAgeMs: number): void => {
    if (maxAgeMs <= options.activeMs) return;
    throw new SwobError(
      'INTERNAL',
      `seeds of ${maxAgeMs} ms are asked for, but kept active for ${options.activeMs} ms`,
    );
  };

  const argsOf = (seed: Seed): (string | number)[] => {
    const { maxRegistered, activeMs } = options;
    return [now(), seed.imsi, JSON.stringify(seed), maxRegistered, activeMs, identityOf(seed)];
  };
  /** In parts, so that nobody else waits for a long list. */
  const listActive = async (maxAgeMs: number): Promise<Seed[]> => {
    const reply: unknown = await redis.run(scripts.active, names, [now(), maxAgeMs]);
    const imsis = Array.isArray(reply) ? reply.map(String) : [];
    const found: Seed[] = [];
    for (let first = 0; first < imsis.length; first += readAtOnce) {
      const part = imsis.slice(first, first + readAtOnce);
      found.push(
        ...readRecords('seed', isSeed, log, await redis.run(scripts.getAll, names, [now(), ...part])),
      );
    }
    return found;
  };
  const shared = shareNext(listActive);

  return {
    ping: async (seed) => {
      const args = argsOf(seed);
      const outcome = await redis.run(scripts.ping, names, args);
      if (outcome === 'full') throw tooManySeeds(options.maxRegistered);
      if (outcome !== 'changed') return;
      await redis.durable(scripts.ping, names, args);
      // Only now: whoever was not acknowledged pings again, and that has to reach the replicas as well.
      await redis.run(scripts.confirm, names, [now(), seed.imsi, identityOf(seed)]);
    },
    restore: async (seed) => {
      const args = [...argsOf(seed), Math.floor(seed.lps * 1_000)];
      if ((await redis.durable(scripts.restore, names, args)) === 'full') {
        throw tooManySeeds(options.maxRegistered);
      }
    },
    active: async (maxAgeMs) => {
      checkAge(maxAgeMs);
      return shared(maxAgeMs);
    },
    getActive: async (imsi, maxAgeMs) => {
      checkAge(maxAgeMs);
      return readRecord('seed', isSeed, await redis.run(scripts.getActive, names, [now(), maxAgeMs, imsi]));
    },
    get: async (imsi) => readRecord('seed', isSeed, await redis.run(scripts.get, names, [now(), imsi])),
  };
}

/** What makes it another seed, and has to outlive more than an LPS. */
function identityOf({ msisdn, seedType }: Seed): string {
  return JSON.stringify([msisdn, seedType]);
}

/** All by IMSI; when they pinged last; what they registered with, '' before that is durable. */
export function seedKeys(keys: KeySpace): readonly [all: string, active: string, identities: string] {
  const named = (name: string): string => keys.together('seeds', name);
  return [named('all'), named('active'), named('identities')];
}

/** Of the records that one answer of Redis has. */
const readAtOnce = 1_000;

/**
 * One call at a time for each argument: whoever asks meanwhile shares the one that begins after it, so that the answer
 * has all that was there when they asked.
 */
function shareNext<T>(work: (argument: number) => Promise<T>): (argument: number) => Promise<T> {
  const running = new Map<number, Promise<T>>();
  const next = new Map<number, Promise<T>>();
  const begin = (argument: number): Promise<T> => {
    const mine = work(argument).finally(() => running.delete(argument));
    running.set(argument, mine);
    return mine;
  };
  const after = async (argument: number, current: Promise<T>): Promise<T> => {
    await current.catch(() => undefined);
    next.delete(argument);
    return begin(argument);
  };
  return (argument) => {
    const waiting = next.get(argument);
    if (waiting) return waiting;
    const current = running.get(argument);
    if (!current) return begin(argument);
    const following = after(argument, current);
    next.set(argument, following);
    return following;
  };
}

/** Each ping adds at most one active seed and lets go of up to this many stale ones. */
const droppedPerPing = 2;

/** KEYS: as `seedKeys` has them. */
const scripts = {
  /** ARGV: now, IMSI, seed, most of them, how long they are active, identity. */
  ping: timedScript(
    'ping seeds',
    3,
    `
local identity = redis.call('HGET', KEYS[3], ARGV[2])
if not identity and redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], text(now), ARGV[2])
local stale = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. text(now - ARGV[5]), 'LIMIT', 0, ${droppedPerPing})
if #stale > 0 then redis.call('ZREM', KEYS[2], unpack(stale)) end
if identity == ARGV[6] then return 'known' end
redis.call('HSET', KEYS[3], ARGV[2], '')
return 'changed'`,
  ),
  /** ARGV: as `ping`, then when it pinged. A time to come counts as now. */
  restore: timedScript(
    'restore seeds',
    3,
    `
if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 0 and redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[4]) then
  return 'full'
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[6])
local at = math.min(now, ARGV[7])
if at >= now - ARGV[5] then redis.call('ZADD', KEYS[2], text(at), ARGV[2]) else redis.call('ZREM', KEYS[2], ARGV[2]) end`,
  ),
  /** ARGV: now, IMSI, identity. */
  confirm: timedScript('confirm seed', 3, `redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])`),
  /** ARGV: now, age. */
  active: timedScript(
    'active seeds',
    3,
    `return redis.call('ZRANGEBYSCORE', KEYS[2], text(now - ARGV[2]), '+inf')`,
  ),
  /** ARGV: now, IMSIs; some thousands at most, as Lua takes no more arguments. */
  getAll: timedScript('getAll seeds', 3, `return redis.call('HMGET', KEYS[1], unpack(ARGV, 2))`),
  /** ARGV: now, age, IMSI. */
  getActive: timedScript(
    'getActive seeds',
    3,
    `
local at = redis.call('ZSCORE', KEYS[2], ARGV[3])
return at and tonumber(at) >= now - ARGV[2] and redis.call('HGET', KEYS[1], ARGV[3])`,
  ),
  /** ARGV: now, IMSI. */
  get: timedScript('get seeds', 3, `return redis.call('HGET', KEYS[1], ARGV[2])`),
} as const;

// Seeds in Redis: a hash of all seeds by IMSI, and a sorted set of their last pings.

import type { Seed } from '../../domain/seeds/model.ts';
import type { SeedStore } from '../../domain/seeds/ports.ts';
import type { Log } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { coalesceNext } from '../../lib/coalesce-next.ts';
import { seedEvictionWarning, seedsFullError } from '../errors.ts';
import { isSeed } from '../guards.ts';
import type { StoreOptions } from '../options.ts';
import { readRecord, readRecords } from './records.ts';
import { type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

export interface RedisSeedsOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly log: Log;
  readonly seeds: StoreOptions['seeds'];
}

export interface RedisSeeds extends SeedStore {
  /** Adds or replaces a seed; its LPS decides whether it is active. Throws as `ping` does. */
  restore(seed: Seed): Promise<void>;
}

export function createRedisSeeds({ redis, keys, now, log, seeds: options }: RedisSeedsOptions): RedisSeeds {
  const names = seedKeys(keys);
  let evicted = 0;
  const checkAge = (maxAgeMs: number): void => {
    if (maxAgeMs <= options.activeMs) return;
    throw new SwobError(
      'INTERNAL',
      `requested seeds of up to ${maxAgeMs} ms, but they are active for ${options.activeMs} ms only`,
    );
  };

  const argsOf = (seed: Seed): (string | number)[] => {
    const { maxRegistered, activeMs } = options;
    return [now(), seed.imsi, JSON.stringify(seed), maxRegistered, activeMs, identityOf(seed)];
  };
  /** In pages, so that a long list does not block other clients. */
  const listActive = async (maxAgeMs: number): Promise<Seed[]> => {
    const reply: unknown = await redis.run(scripts.active, names, [now(), maxAgeMs]);
    const imsis = Array.isArray(reply) ? reply.map(String) : [];
    const found: Seed[] = [];
    for (let first = 0; first < imsis.length; first += pageSize) {
      const part = imsis.slice(first, first + pageSize);
      found.push(
        ...readRecords('seed', isSeed, log, await redis.run(scripts.getAll, names, [now(), ...part])),
      );
    }
    return found;
  };
  const listOnce = coalesceNext(listActive);

  return {
    ping: async (seed) => {
      const args = argsOf(seed);
      const reply: unknown = await redis.run(scripts.ping, names, args);
      const [outcome, evictedNow, sinceMs] = Array.isArray(reply) ? reply : [];
      if (Number(evictedNow) > 0 && evicted === 0)
        log.warn({ maxRegistered: options.maxRegistered }, seedEvictionWarning);
      evicted += Number(evictedNow);
      const sinceLastMs = sinceMs === '' ? undefined : Math.max(0, Number(sinceMs));
      if (outcome !== 'changed') return sinceLastMs;
      await redis.durable(scripts.ping, names, args);
      // Last, because an unacknowledged client pings again, and that ping must wait for the replicas too.
      await redis.run(scripts.confirm, names, [now(), seed.imsi, identityOf(seed)]);
      return sinceLastMs;
    },
    restore: async (seed) => {
      const args = [...argsOf(seed), Math.floor(seed.lps * 1_000)];
      if ((await redis.durable(scripts.restore, names, args)) === 'full') {
        throw seedsFullError(options.maxRegistered);
      }
    },
    active: async (maxAgeMs) => {
      checkAge(maxAgeMs);
      return listOnce(maxAgeMs);
    },
    getActive: async (imsi, maxAgeMs) => {
      checkAge(maxAgeMs);
      return readRecord('seed', isSeed, await redis.run(scripts.getActive, names, [now(), maxAgeMs, imsi]));
    },
    usage: async () => ({ registered: Number(await redis.run(scripts.count, names, [now()])), evicted }),
    get: async (imsi) => readRecord('seed', isSeed, await redis.run(scripts.get, names, [now(), imsi])),
  };
}

/** The registration, which must be more durable than an LPS. */
function identityOf({ msisdn, seedType }: Seed): string {
  return JSON.stringify([msisdn, seedType]);
}

/** Seeds by IMSI; the time of each seed's last ping; each seed's registration, '' until it is durable. */
export function seedKeys(keys: KeySpace): readonly [all: string, active: string, identities: string] {
  const named = (name: string): string => keys.grouped('seeds', name);
  return [named('all'), named('active'), named('identities')];
}

/** Records per reply of Redis. */
const pageSize = 1_000;

/** A new seed evicts one seed, or a few more after the maximum was lowered. */
const evictedPerPing = 8;
/** Silent seeds of an earlier version have no time of a last ping; a sample of this size is searched for them. */
const sampleSize = 64;

/** KEYS: as `seedKeys` has them. */
const scripts = {
  /** ARGV: now, IMSI, seed, maximum of seeds, how long they are active, registration. */
  ping: timedScript(
    'ping seeds',
    3,
    `
local identity = redis.call('HGET', KEYS[3], ARGV[2])
local before = redis.call('ZSCORE', KEYS[2], ARGV[2])
local sinceMs = before and text(now - before) or ''
local evicted = 0
if not identity then
  local over = redis.call('HLEN', KEYS[3]) - ARGV[4] + 1
  while evicted < math.min(over, ${evictedPerPing}) do
    local silent = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
    if redis.call('ZCARD', KEYS[2]) < redis.call('HLEN', KEYS[3]) then
      local some = redis.call('HSCAN', KEYS[3], 0, 'COUNT', ${sampleSize})[2]
      for at = 1, #some, 2 do
        if not redis.call('ZSCORE', KEYS[2], some[at]) then silent = some[at] end
      end
    end
    if not silent then break end
    redis.call('HDEL', KEYS[1], silent)
    redis.call('HDEL', KEYS[3], silent)
    redis.call('ZREM', KEYS[2], silent)
    evicted = evicted + 1
  end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[2], text(now), ARGV[2])
if identity == ARGV[6] then return {'known', 0, sinceMs} end
redis.call('HSET', KEYS[3], ARGV[2], '')
return {'changed', evicted, sinceMs}`,
  ),
  /** ARGV: as for `ping`, then the time of the ping; a time in the future counts as now. */
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
redis.call('ZADD', KEYS[2], text(at), ARGV[2])`,
  ),
  /** ARGV: now. */
  count: timedScript('count seeds', 3, `return redis.call('HLEN', KEYS[3])`),
  /** ARGV: now, IMSI, registration. The seed may have been evicted meanwhile. */
  confirm: timedScript(
    'confirm seed',
    3,
    `if redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then redis.call('HSET', KEYS[3], ARGV[2], ARGV[3]) end`,
  ),
  /** ARGV: now, age. */
  active: timedScript(
    'active seeds',
    3,
    `return redis.call('ZRANGEBYSCORE', KEYS[2], text(now - ARGV[2]), '+inf')`,
  ),
  /** ARGV: now, IMSIs; a few thousand at most, the limit of Lua's `unpack`. */
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

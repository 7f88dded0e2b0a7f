// Leases of work that all nodes see: one key for the current holder, and one per lease for the outcome.

import { newUuid } from '../../crypto/random.ts';
import type { LeaseStore } from '../../domain/shared/ports.ts';
import { encodeId, type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

/** Waiting processes poll several times a second. */
const outcomeTtlMs = 30_000;

export function createRedisLeases(redis: ScriptRunner, keys: KeySpace, now: NowArgument): LeaseStore {
  // Both keys are in one slot even when the lease's key holds braces, because Redis hashes the text between the first
  // pair.
  const leaseKey = (key: string): string => keys.grouped(`lease:${encodeId(key)}`, 'now');
  const outcomeKey = (key: string, leaseId: string): string =>
    keys.grouped(`lease:${encodeId(key)}`, leaseId);
  const leaseKeys = (key: string, leaseId: string) => [leaseKey(key), outcomeKey(key, leaseId)];

  return {
    acquire: async (key, leaseMs) => {
      const acquired = newUuid();
      const leaseId = String(await redis.run(scripts.acquire, [leaseKey(key)], [now(), acquired, leaseMs]));
      return { leaseId, acquired: leaseId === acquired };
    },
    renew: async (key, leaseId, leaseMs) => {
      await redis.run(scripts.renew, [leaseKey(key)], [now(), leaseId, leaseMs]);
    },
    complete: async (key, leaseId, outcome) =>
      (await redis.run(scripts.complete, leaseKeys(key, leaseId), [
        now(),
        leaseId,
        outcome,
        outcomeTtlMs,
      ])) === 1,
    poll: async (key, leaseId) => {
      const reply = await redis.run(scripts.poll, leaseKeys(key, leaseId), [now(), leaseId]);
      if (Array.isArray(reply)) return { outcome: String(reply[0]) };
      return reply === 1 ? 'running' : 'lost';
    },
  };
}

/** A lease is stored as `<end in milliseconds> <id>`. */
const lib = `
local ends, id = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
if ends and tonumber(ends) <= now then id = nil end
local function keep(leaseId, lease)
  redis.call('SET', KEYS[1], text(now + lease) .. ' ' .. leaseId, 'PX', lease)
end`;

/** KEYS: lease, outcome. */
const scripts = {
  /** ARGV: now, id, lease. */
  acquire: timedScript(
    'acquire lease',
    1,
    `${lib}
if id then
  -- A clock that was set back does not extend the lease of a dead process.
  if tonumber(ends) > now + ARGV[3] then keep(id, ARGV[3]) end
  return id
end
keep(ARGV[2], ARGV[3])
return ARGV[2]`,
  ),
  /** ARGV: now, id, lease. */
  renew: timedScript(
    'renew lease',
    1,
    `${lib}
if id == ARGV[2] or not id then keep(ARGV[2], ARGV[3]) end`,
  ),
  /** ARGV: now, id, outcome, time to live of the outcome. */
  complete: timedScript(
    'complete lease',
    2,
    `${lib}
if id == ARGV[2] then redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return id == ARGV[2] and 1 or 0`,
  ),
  /** ARGV: now, id. */
  poll: timedScript(
    'poll lease',
    2,
    `${lib}
local outcome = redis.call('GET', KEYS[2])
if outcome then return { outcome } end
return id == ARGV[2] and 1 or 0`,
  ),
} as const;

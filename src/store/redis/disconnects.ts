// The audit trail of disconnects in Redis: for each log a hash of records by id, and a sorted set of the ids, which sort by
// time.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import {
  type DisconnectAuditStore,
  type DisconnectRecord,
  recordIdOf,
} from '../../domain/wifi/audit-model.ts';
import { createDisconnectAudit, type DisconnectLog } from '../disconnect-logs.ts';
import { isDisconnectRecord } from '../guards.ts';
import type { AuditBounds } from '../options.ts';
import { readRecord, readRecords } from './records.ts';
import { type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

export interface RedisDisconnectsOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly disconnects: AuditBounds;
}

export function createRedisDisconnects(options: RedisDisconnectsOptions): DisconnectAuditStore {
  const { max, maxUntrusted } = options.disconnects;
  return createDisconnectAudit({
    trusted: createLog(options, 'disconnects', max),
    untrusted: createLog(options, 'disconnects-refused', maxUntrusted),
  });
}

/** The logs of the trail, whose values an export reads. */
export const disconnectLogs = ['disconnects', 'disconnects-refused'] as const;

/** Records by id, and their ids in order. */
export function disconnectKeys(
  keys: KeySpace,
  name: (typeof disconnectLogs)[number],
): readonly [values: string, order: string] {
  return [keys.grouped(name, 'values'), keys.grouped(name, 'order')];
}

const pageSize = 500;

function createLog(
  { redis, keys, now, clock, log, disconnects: { ttlMs } }: RedisDisconnectsOptions,
  name: (typeof disconnectLogs)[number],
  max: number,
): DisconnectLog {
  const names = disconnectKeys(keys, name);
  /** An id before those of all records that are kept; by the clock of this machine, which made the ids. */
  const earliest = (): string => recordIdOf(clock.now() - ttlMs, '');
  return {
    add: async ({ id, ...rest }: DisconnectRecord) => {
      const json = JSON.stringify({ id, ...rest });
      await redis.durable(scripts.add, names, [now(), ttlMs, max, id, json, earliest()]);
    },
    get: async (id) => {
      if (id < earliest()) return undefined;
      return readRecord(
        'record of a disconnect',
        isDisconnectRecord,
        await redis.run(scripts.get, names, [now(), id]),
      );
    },
    async *newestFirst(before) {
      for (let from = before; ; ) {
        const args = [now(), from === undefined ? '+' : `(${from}`, `[${earliest()}`, pageSize];
        const reply: unknown = await redis.run(scripts.page, names, args);
        const [last, ...records]: unknown[] = Array.isArray(reply) ? reply : [];
        yield* readRecords('record of a disconnect', isDisconnectRecord, log, records);
        if (typeof last !== 'string' || last === '') return;
        from = last;
      }
    },
  };
}

/** KEYS: the result of `disconnectKeys`. */
const scripts = {
  /** ARGV: now, time to live, maximum, id, JSON, an id before which all have expired. */
  add: timedScript(
    'add disconnect',
    2,
    `
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('ZADD', KEYS[2], 0, ARGV[4])
-- Each call adds one record and removes up to four expired ones, so that they never accumulate; further removals enforce the maximum.
for n = 1, 1000 do
  local ids = redis.call('ZRANGE', KEYS[2], 0, 1)
  -- Never the new one, which sorts first when the clock of its node is slow; the next such record then replaces it.
  local oldest = ids[1] == ARGV[4] and ids[2] or ids[1]
  if not oldest or oldest == ARGV[4] then break end
  local isOver = n <= 4 and oldest < ARGV[6]
  if not isOver and redis.call('ZCARD', KEYS[2]) <= tonumber(ARGV[3]) then break end
  redis.call('HDEL', KEYS[1], oldest)
  redis.call('ZREM', KEYS[2], oldest)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return 1`,
  ),
  /** ARGV: now, id. */
  get: timedScript('get disconnect', 2, `return redis.call('HGET', KEYS[1], ARGV[2])`),
  /** ARGV: now, the greatest and the least id as bounds of ZRANGE, maximum. @returns the last id unless it is the end, and records */
  page: timedScript(
    'page of disconnects',
    2,
    `
local ids = redis.call('ZRANGE', KEYS[2], ARGV[2], ARGV[3], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[4])
if #ids == 0 then return { '' } end
local found = { #ids == tonumber(ARGV[4]) and ids[#ids] or '' }
for _, value in ipairs(redis.call('HMGET', KEYS[1], unpack(ids))) do
  if value then table.insert(found, value) end
end
return found`,
  ),
} as const;

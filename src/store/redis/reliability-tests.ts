// Reliability tests in Redis: a hash of tests by id, sorted sets of their order, and for each client the tests that
// started and those that arrived in time, as `<client> <start> <id>` in lexicographical order.

import { isInTime, type ReliabilityTest } from '../../domain/seeds/model.ts';
import type { ReliabilityTestStore } from '../../domain/seeds/ports.ts';
import type { Log } from '../../domain/shared/ports.ts';
import { isReliabilityTest } from '../guards.ts';
import type { TestBounds } from '../options.ts';
import { readRecord, readRecords } from './records.ts';
import { encodeId, type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

export interface RedisTestsOptions {
  readonly redis: ScriptRunner;
  readonly keys: KeySpace;
  readonly now: NowArgument;
  readonly log: Log;
  readonly tests: TestBounds;
}

export interface RedisTests extends ReliabilityTestStore {
  /** Adds or replaces a test. */
  restore(test: ReliabilityTest): Promise<void>;
}

export function createRedisTests({ redis, keys, now, log, tests: bounds }: RedisTestsOptions): RedisTests {
  const names = testKeys(keys);
  const put = async (test: ReliabilityTest, expected: 'none' | 'any' | ReliabilityTest): Promise<boolean> => {
    const { ttlMs, max, maxPerClient } = bounds;
    const condition = typeof expected === 'string' ? expected : JSON.stringify(expected);
    const client = clientOf(test.msisdn);
    const member = `${client} ${digits(test.startedAt)} ${test.id}`;
    const kind = test.cancelled ? 'cancelled' : isInTime(test) ? 'in time' : 'started';
    const reply = await redis.durable(scripts.put, names, [
      ...[now(), ttlMs, max, maxPerClient],
      ...[test.id, JSON.stringify(test), condition, client, member, kind],
    ]);
    return reply === 1;
  };
  return {
    add: (test) => put(test, 'none'),
    get: async (id) =>
      readRecord('test', isReliabilityTest, await redis.run(scripts.get, names, [now(), id])),
    replace: put,
    restore: async (test) => void (await put(test, 'any')),
    list: async (msisdn) => {
      const args = [now(), clientOf(msisdn), bounds.maxPerClient];
      return readRecords('test', isReliabilityTest, log, await redis.run(scripts.list, names, args));
    },
    count: async (msisdns, { since, decidedBefore }) => {
      const args = [now(), digits(since), digits(decidedBefore), ...msisdns.map(clientOf)];
      const reply: unknown = msisdns.length > 0 ? await redis.run(scripts.count, names, args) : [];
      const numbers = Array.isArray(reply) ? reply.map(Number) : [];
      return msisdns.map((_, index) => ({
        decided: numbers[2 * index] ?? 0,
        inTime: numbers[2 * index + 1] ?? 0,
      }));
    },
  };
}

/** Tests by id, each as `<member>\n<JSON>`; the times of their insertion; all tests of each client; those that arrived in time. */
export function testKeys(
  keys: KeySpace,
): readonly [values: string, order: string, started: string, inTime: string] {
  const named = (name: string): string => keys.grouped('tests', name);
  return [named('values'), named('order'), named('started'), named('in-time')];
}

/** The JSON of a value of the hash. */
export function testJson(value: string): string {
  return value.slice(value.indexOf('\n') + 1);
}

/** Without spaces and line ends, which separate the parts of a member and a value. */
function clientOf(msisdn: string): string {
  return encodeURIComponent(encodeId(msisdn));
}

/** Unix milliseconds with as many digits for every time, so that text sorts as numbers do. */
function digits(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(16, '0');
}

/** KEYS: the result of `testKeys`. `~` sorts after every digit. */
const scripts = {
  /**
   * ARGV: now, time to live, maximum of tests, maximum for each client, id, JSON, what must be present (`none`, `any` or
   * JSON), client, member, kind.
   */
  put: timedScript(
    'put test',
    4,
    `
local known = redis.call('HGET', KEYS[1], ARGV[5])
if ARGV[7] == 'none' and known then return 0 end
if ARGV[7] ~= 'none' and ARGV[7] ~= 'any' and (not known or string.match(known, '\\n(.*)$') ~= ARGV[7]) then return 0 end
local function drop(id)
  local member = string.match(redis.call('HGET', KEYS[1], id) or '', '^([^\\n]*)\\n')
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
  if member then redis.call('ZREM', KEYS[3], member) end
  if member then redis.call('ZREM', KEYS[4], member) end
end
-- The order of insertion, as times that differ; a changed test keeps its place.
local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
local at = redis.call('ZSCORE', KEYS[2], ARGV[5]) or math.max(now, (last[2] or 0) + 0.001)
drop(ARGV[5])
redis.call('HSET', KEYS[1], ARGV[5], ARGV[9] .. '\\n' .. ARGV[6])
redis.call('ZADD', KEYS[2], string.format('%.3f', at), ARGV[5])
if ARGV[10] ~= 'cancelled' then redis.call('ZADD', KEYS[3], 0, ARGV[9]) end
if ARGV[10] == 'in time' then redis.call('ZADD', KEYS[4], 0, ARGV[9]) end
local first, last = '[' .. ARGV[8] .. ' ', '[' .. ARGV[8] .. ' ~'
local surplus = redis.call('ZLEXCOUNT', KEYS[3], first, last) - ARGV[4]
if surplus > 0 then
  local oldest = redis.call('ZRANGE', KEYS[3], first, last, 'BYLEX', 'LIMIT', 0, math.min(surplus, 8))
  for _, member in ipairs(oldest) do drop(string.match(member, ' (%d+)$')) end
end
-- Each call adds one test and removes up to four expired ones, so that they never accumulate; further removals enforce the maximum.
for n = 1, 1000 do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if not oldest[1] then break end
  local isOver = n <= 4 and tonumber(oldest[2]) < now - ARGV[2]
  if not isOver and redis.call('ZCARD', KEYS[2]) <= tonumber(ARGV[3]) then break end
  drop(oldest[1])
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[2]) end
return 1`,
  ),
  /** ARGV: now, id. */
  get: timedScript(
    'get test',
    4,
    `
local value = redis.call('HGET', KEYS[1], ARGV[2])
return value and string.match(value, '\\n(.*)$')`,
  ),
  /** ARGV: now, client, maximum. */
  list: timedScript(
    'list tests',
    4,
    `
local members = redis.call('ZRANGE', KEYS[3], '[' .. ARGV[2] .. ' ~', '[' .. ARGV[2] .. ' ', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[3])
local found = {}
for _, member in ipairs(members) do
  local value = redis.call('HGET', KEYS[1], string.match(member, ' (%d+)$'))
  if value then table.insert(found, string.match(value, '\\n(.*)$')) end
end
return found`,
  ),
  /** ARGV: now, since, decided before, clients. */
  count: timedScript(
    'count tests',
    4,
    `
local counts = {}
for at = 4, #ARGV do
  local function of(key, from, to) return redis.call('ZLEXCOUNT', key, '[' .. ARGV[at] .. ' ' .. from, '(' .. ARGV[at] .. ' ' .. to) end
  table.insert(counts, of(KEYS[3], ARGV[2], ARGV[3]) + of(KEYS[4], ARGV[3], '~'))
  table.insert(counts, of(KEYS[4], ARGV[2], '~'))
end
return counts`,
  ),
} as const;

// The Lua scripts of the outbox; each one is atomic. Used by outbox.ts, whose `outboxKeys` names their keys. The
// clocks of nodes may differ, and a pause must be equally long for all of them, so every script gets its node's time
// and stores times by the clock of Redis.

import type { RedisScript } from '../../redis/connect.ts';
import { orderLib } from './outbox-order-script.ts';
import { timedScript } from './script.ts';

const lib = `
local shift = now - table.remove(ARGV, 2)
table.remove(ARGV, 1)
local entries, waiting, failed, due, claims = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local followers = KEYS[6]
local group = 'nodes'
${orderLib}
-- The process that has claimed the entry loses its claim.
local function unclaim(id)
  local claim = redis.call('HGET', claims, id)
  if not claim then return end
  redis.call('XACK', due, group, claim)
  redis.call('XDEL', due, claim)
  redis.call('HDEL', claims, id)
end
local function isMine(id, consumer)
  local claim = redis.call('HGET', claims, id)
  -- Without the group there are no claims; the next claim creates it again.
  local pending = claim and redis.pcall('XPENDING', due, group, claim, claim, 1)[1]
  return pending and pending[2] == consumer and claim
end
-- The order arguments of an entry that waits with an order key: its key, its score as a follower, its sequence or ''.
local function put(id, entry, state, at, key, follow, sequence)
  unclaim(id)
  if state == 'failed' or not key then
    redis.call('HSET', entries, id, entry)
    redis.call('ZREM', state == 'failed' and waiting or failed, id)
    redis.call('ZADD', state == 'failed' and failed or waiting, state == 'failed' and at or at + shift, id)
    return leave(id)
  end
  local head = join(id, key, sequence)
  redis.call('HSET', entries, id, sequenced(id, entry))
  redis.call('ZREM', failed, id)
  if head == id then redis.call('ZADD', waiting, at + shift, id)
  else
    redis.call('ZREM', waiting, id)
    redis.call('ZADD', followers, follow + shift, id)
  end
  elect(key)
end
local function remove(id)
  unclaim(id)
  redis.call('HDEL', entries, id)
  redis.call('ZREM', waiting, id)
  redis.call('ZREM', failed, id)
  leave(id)
end
local function isFailed(id, since)
  local score = redis.call('ZSCORE', failed, id)
  return score and (since == '' or tonumber(since) == tonumber(score))
end
-- The stream, its group or a part of it is missing (evicted or deleted by hand), so that claimed entries would never be due again.
local function repair()
  local entered = redis.call('HLEN', claims)
  local isThere = redis.call('EXISTS', due) == 1 and #redis.call('XINFO', 'GROUPS', due) > 0
  if not isThere or redis.call('XLEN', due) ~= entered then
    local cursor = '0'
    repeat
      local part = redis.call('HSCAN', claims, cursor, 'COUNT', 1000)
      cursor = part[1]
      for n = 1, #part[2], 2 do redis.call('ZADD', waiting, now, part[2][n]) end
    until cursor == '0'
    redis.call('DEL', due, claims)
    redis.call('XGROUP', 'CREATE', due, group, '0', 'MKSTREAM')
  end
end
local function entriesOf(ids)
  local found = {}
  for first = 1, #ids, 1000 do
    local part = redis.call('HMGET', entries, unpack(ids, first, math.min(#ids, first + 999)))
    for _, entry in ipairs(part) do if entry then found[#found + 1] = entry end end
  end
  return found
end`;

/** ARGV starts with that of every timed script, followed by the node's time. */
const script = (name: string, body: string): RedisScript => timedScript(name, 8, `${lib}\n${body}`);

export const scripts = {
  /** ARGV: id. */
  get: script('get entry', `return redis.call('HGET', entries, ARGV[1])`),

  /** ARGV: id, entry, maximum of entries, `waiting` or `failed`, its score there, order arguments if it has any. */
  put: script(
    'put entry',
    `
if redis.call('HEXISTS', entries, ARGV[1]) == 0 and redis.call('HLEN', entries) >= tonumber(ARGV[3]) then
  return 'full'
end
put(ARGV[1], ARGV[2], unpack(ARGV, 4))`,
  ),

  /** ARGV: id. */
  remove: script('remove entry', 'remove(ARGV[1])'),

  /** ARGV: id, its score among the dead letters or ''. */
  removeDeadLetter: script(
    'remove dead letter',
    `
if not isFailed(ARGV[1], ARGV[2]) then return 0 end
remove(ARGV[1])
return 1`,
  ),

  /** ARGV: id, its score among the dead letters, and the new state: entry, `waiting` or `failed`, its score there, order arguments. */
  replaceDeadLetter: script(
    'replace dead letter',
    `
if not isFailed(ARGV[1], ARGV[2]) then return 0 end
put(ARGV[1], unpack(ARGV, 3))
return 1`,
  ),

  /**
   * ARGV: until, count, consumer, lease. Takes expired claims of other nodes first, then entries that have become
   * due.
   */
  claim: script(
    'claim entry',
    `
local ids = {}
repair()
local function take(found)
  for _, claim in ipairs(found) do
    if claim and claim[2] then ids[#ids + 1] = claim[2][2] end
  end
end
take(redis.call('XAUTOCLAIM', due, group, ARGV[3], ARGV[4], '0-0', 'COUNT', ARGV[2])[2])
local free = ARGV[2] - #ids
if free > 0 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', ARGV[1] + shift, 'LIMIT', 0, free)) do
    redis.call('HSET', claims, id, redis.call('XADD', due, '*', 'id', id))
    redis.call('ZREM', waiting, id)
  end
  local read = redis.call('XREADGROUP', 'GROUP', group, ARGV[3], 'COUNT', free, 'STREAMS', due, '>')
  if read then take(read[1][2]) end
end
return ids`,
  ),

  /** ARGV: id, consumer, and the new state: entry, `waiting` or `failed`, its score there, order arguments. */
  settle: script(
    'settle entry',
    `
if not isMine(ARGV[1], ARGV[2]) then return 0 end
if ARGV[3] then put(ARGV[1], unpack(ARGV, 3)) else remove(ARGV[1]) end
return 1`,
  ),

  /** ARGV: id, consumer, until. */
  postpone: script(
    'postpone entry',
    `
if not isMine(ARGV[1], ARGV[2]) then return end
unclaim(ARGV[1])
redis.call('ZADD', waiting, ARGV[3] + shift, ARGV[1])
electAfter(ARGV[1])`,
  ),

  /** ARGV: consumer, ids. Returns the ids that other consumers have claimed since. */
  renew: script(
    'renew entry',
    `
local lost = {}
for n = 2, #ARGV do
  local claim = isMine(ARGV[n], ARGV[1])
  if claim then redis.call('XCLAIM', due, group, ARGV[1], 0, claim, 'JUSTID') else lost[#lost + 1] = ARGV[n] end
end
return lost`,
  ),

  nextDueAt: script(
    'find next due entry',
    `
local at = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
return at and string.format('%.17g', at - shift)`,
  ),

  /**
   * ARGV: id, entry, consumer, maximum of entries, order arguments if it has any. The stream never has unread entries,
   * because every script that adds one reads it.
   */
  putClaimed: script(
    'put claimed entry',
    `
if redis.call('HEXISTS', entries, ARGV[1]) == 1 then
  if not isMine(ARGV[1], ARGV[3]) then return 'taken' end
  redis.call('HSET', entries, ARGV[1], sequenced(ARGV[1], ARGV[2]))
  return 'claimed'
end
if ARGV[5] and headOf(ARGV[5]) then return 'behind' end
if redis.call('HLEN', entries) >= tonumber(ARGV[4]) then return 'full' end
repair()
local entry = ARGV[2]
if ARGV[5] then
  join(ARGV[1], ARGV[5], ARGV[7])
  entry = sequenced(ARGV[1], entry)
end
redis.call('HSET', entries, ARGV[1], entry)
redis.call('HSET', claims, ARGV[1], redis.call('XADD', due, '*', 'id', ARGV[1]))
redis.call('XREADGROUP', 'GROUP', group, ARGV[3], 'COUNT', 1, 'STREAMS', due, '>')
return 'claimed'`,
  ),

  /** ARGV: count, offset. */
  deadLetters: script(
    'list dead letters',
    `return entriesOf(redis.call('ZRANGE', failed, ARGV[2], ARGV[2] + ARGV[1] - 1))`,
  ),

  /** ARGV: count, offset. */
  waiting: script(
    'list waiting entries',
    `
local claimed = {}
local cursor = '0'
repeat
  local part = redis.call('HSCAN', claims, cursor, 'COUNT', 1000)
  cursor = part[1]
  for n = 1, #part[2], 2 do claimed[#claimed + 1] = part[2][n] end
until cursor == '0'
local ids = {}
for n = ARGV[2] + 1, math.min(#claimed, ARGV[2] + ARGV[1]) do ids[#ids + 1] = claimed[n] end
local before = #claimed
for _, key in ipairs({ waiting, followers }) do
  local from = math.max(0, ARGV[2] - before)
  local rest = ARGV[1] - #ids
  if rest > 0 then
    for _, id in ipairs(redis.call('ZRANGE', key, from, from + rest - 1)) do ids[#ids + 1] = id end
  end
  before = before + redis.call('ZCARD', key)
end
return entriesOf(ids)`,
  ),

  /** ARGV: count, order key. */
  waitingOf: script('list waiting entries of an order key', 'return entriesOf(idsOf(ARGV[2], ARGV[1]))'),

  /** ARGV: order key. */
  countOf: script('count waiting entries of an order key', 'return countOf(ARGV[1])'),

  /** ARGV: first word of order keys, before a space; `!` is the next character. */
  countOfGroup: script(
    'count waiting entries of a group',
    `return redis.call('ZLEXCOUNT', order, '[' .. ARGV[1] .. ' ', '(' .. ARGV[1] .. '!')`,
  ),

  countBehind: script('count entries behind others', `return redis.call('ZCARD', followers)`),

  count: script('count entry', `return { redis.call('HLEN', entries), redis.call('ZCARD', failed) }`),

  /** ARGV: consumer. A node without claims leaves the group, so that names of consumers do not accumulate. */
  leave: script(
    'leave entry',
    `
if redis.call('EXISTS', due) == 0 then return end
local pending = redis.call('XPENDING', due, group, '-', '+', 1, ARGV[1])
if #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', due, group, ARGV[1]) end`,
  ),
} as const satisfies Record<string, RedisScript>;

// What Redis does with parcels, each in one step. Used by outbox.ts, whose `outboxKeys` names their keys.
//
// The clocks of nodes may differ, and a pause has to be as long for all of them: every script is told what time its
// node has, and keeps times by the clock of Redis.

import type { RedisScript } from './connection/connect.ts';
import { timedScript } from './script.ts';

const lib = `
local shift = now - table.remove(ARGV, 2)
table.remove(ARGV, 1)
local parcels, waiting, failed, due, entries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local group = 'nodes'
-- Whoever has claimed the parcel has it no more.
local function unclaim(id)
  local entry = redis.call('HGET', entries, id)
  if not entry then return end
  redis.call('XACK', due, group, entry)
  redis.call('XDEL', due, entry)
  redis.call('HDEL', entries, id)
end
local function isMine(id, consumer)
  local entry = redis.call('HGET', entries, id)
  -- Without the group nobody has anything; the next claim makes it anew.
  local pending = entry and redis.pcall('XPENDING', due, group, entry, entry, 1)[1]
  return pending and pending[2] == consumer and entry
end
local function put(id, parcel, state, at)
  unclaim(id)
  redis.call('HSET', parcels, id, parcel)
  redis.call('ZREM', state == 'failed' and waiting or failed, id)
  redis.call('ZADD', state == 'failed' and failed or waiting, state == 'failed' and at or at + shift, id)
end
local function remove(id)
  unclaim(id)
  redis.call('HDEL', parcels, id)
  redis.call('ZREM', waiting, id)
  redis.call('ZREM', failed, id)
end`;

/** Before its own ARGV come that of every timed script, and the time that the node has. */
const script = (name: string, body: string): RedisScript => timedScript(name, 5, `${lib}\n${body}`);

export const scripts = {
  /** ARGV: id. */
  get: script('get parcel', `return redis.call('HGET', parcels, ARGV[1])`),

  /** ARGV: id, parcel, `waiting` or `failed`, its time there, most parcels. */
  put: script(
    'put parcel',
    `
if redis.call('HEXISTS', parcels, ARGV[1]) == 0 and redis.call('HLEN', parcels) >= tonumber(ARGV[5]) then
  return 'full'
end
put(ARGV[1], ARGV[2], ARGV[3], ARGV[4])`,
  ),

  /** ARGV: id. */
  remove: script('remove parcel', 'remove(ARGV[1])'),

  /** ARGV: id. */
  discard: script(
    'discard parcel',
    `
if not redis.call('ZSCORE', failed, ARGV[1]) then return 0 end
remove(ARGV[1])
return 1`,
  ),

  /** ARGV: until, how many, consumer, lease. First those of a node that is silent, then what has become due. */
  claim: script(
    'claim parcel',
    `
local ids = {}
-- The stream, its group or some of it is gone (evicted, deleted by hand): what was claimed would never be due again.
local entered = redis.call('HLEN', entries)
local isThere = redis.call('EXISTS', due) == 1 and #redis.call('XINFO', 'GROUPS', due) > 0
if not isThere or redis.call('XLEN', due) ~= entered then
  local cursor = '0'
  repeat
    local part = redis.call('HSCAN', entries, cursor, 'COUNT', 1000)
    cursor = part[1]
    for n = 1, #part[2], 2 do redis.call('ZADD', waiting, now, part[2][n]) end
  until cursor == '0'
  redis.call('DEL', due, entries)
  redis.call('XGROUP', 'CREATE', due, group, '0', 'MKSTREAM')
end
local function take(found)
  for _, entry in ipairs(found) do
    if entry and entry[2] then ids[#ids + 1] = entry[2][2] end
  end
end
take(redis.call('XAUTOCLAIM', due, group, ARGV[3], ARGV[4], '0-0', 'COUNT', ARGV[2])[2])
local free = ARGV[2] - #ids
if free > 0 then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', ARGV[1] + shift, 'LIMIT', 0, free)) do
    redis.call('HSET', entries, id, redis.call('XADD', due, '*', 'id', id))
    redis.call('ZREM', waiting, id)
  end
  local read = redis.call('XREADGROUP', 'GROUP', group, ARGV[3], 'COUNT', free, 'STREAMS', due, '>')
  if read then take(read[1][2]) end
end
return ids`,
  ),

  /** ARGV: id, consumer, and what it is now: parcel, `waiting` or `failed`, its time there. */
  settle: script(
    'settle parcel',
    `
if not isMine(ARGV[1], ARGV[2]) then return 0 end
if ARGV[3] then put(ARGV[1], ARGV[3], ARGV[4], ARGV[5]) else remove(ARGV[1]) end
return 1`,
  ),

  /** ARGV: id, consumer, until. */
  putOff: script(
    'putOff parcel',
    `
if not isMine(ARGV[1], ARGV[2]) then return end
unclaim(ARGV[1])
redis.call('ZADD', waiting, ARGV[3] + shift, ARGV[1])`,
  ),

  /** ARGV: consumer, ids. Answers those that are another's by now. */
  renew: script(
    'renew parcel',
    `
local lost = {}
for n = 2, #ARGV do
  local entry = isMine(ARGV[n], ARGV[1])
  if entry then redis.call('XCLAIM', due, group, ARGV[1], 0, entry, 'JUSTID') else lost[#lost + 1] = ARGV[n] end
end
return lost`,
  ),

  nextDue: script(
    'nextDue parcel',
    `
local at = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
return at and string.format('%.17g', at - shift)`,
  ),

  /** ARGV: how many. */
  failed: script(
    'failed parcel',
    `
local ids = redis.call('ZRANGE', failed, 0, ARGV[1] - 1)
local found = {}
for first = 1, #ids, 1000 do
  local part = redis.call('HMGET', parcels, unpack(ids, first, math.min(#ids, first + 999)))
  for _, parcel in ipairs(part) do found[#found + 1] = parcel end
end
return found`,
  ),

  count: script('count parcel', `return { redis.call('HLEN', parcels), redis.call('ZCARD', failed) }`),

  /** ARGV: consumer. A node that has claimed nothing any more leaves the group, so that names do not pile up. */
  leave: script(
    'leave parcel',
    `
if redis.call('EXISTS', due) == 0 then return end
local pending = redis.call('XPENDING', due, group, '-', '+', 1, ARGV[1])
if #pending == 0 then redis.call('XGROUP', 'DELCONSUMER', due, group, ARGV[1]) end`,
  ),
} as const satisfies Record<string, RedisScript>;

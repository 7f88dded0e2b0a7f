// The scripts of outgoing-messages.ts.

import { timedScript } from './script.ts';

/** Lists of the messages in each state, in the order of their eviction; `pending` has those that wait to be published. */
export const messageLists = [
  'delivered',
  'failed',
  'expired',
  'cancelled',
  'sent',
  'queued',
  'pending',
] as const;

/** KEYS: values, reviews, requests, and the lists from the fourth on. */
const keyCount = 3 + messageLists.length;

/**
 * A value is `<until> <revision> <list> <member>\n<JSON>`: its expiry, the key of its list, and its member in the requests,
 * `<request> <queued> <index> <id>`. In the lists it is `<queued>-<id>`.
 */
const records = `
local pending = 10
local ranks = { { 4, 5, 6, 7 }, { 8, 9 }, { pending } }
local function read(id)
  local value = redis.call('HGET', KEYS[1], id)
  if not value then return nil end
  local untilMs, revision, list, member, json = string.match(value, '^(%d+) (%d+) (%d+) ([^\\n]*)\\n(.*)$')
  local at = string.match(member, ' (%d+) %d+ %d+$')
  return { id = id, untilMs = tonumber(untilMs), revision = revision, list = tonumber(list), member = member, place = at .. '-' .. id, json = json }
end
local function unlink(message)
  redis.call('ZREM', KEYS[message.list], message.place)
  redis.call('ZREM', KEYS[2], message.id)
end
local function drop(message)
  unlink(message)
  redis.call('ZREM', KEYS[3], message.member)
  redis.call('HDEL', KEYS[1], message.id)
end
-- Until when each key is needed by what this call has written; once a call, as expiries cost half of its time otherwise.
local needed = {}
local function need(keys, untilMs)
  for _, key in ipairs(keys) do needed[key] = math.max(needed[key] or 0, untilMs) end
end
local function setExpiries()
  for key, untilMs in pairs(needed) do
    local ms = text(untilMs - now)
    redis.call('PEXPIRE', KEYS[key], ms, 'NX')
    redis.call('PEXPIRE', KEYS[key], ms, 'GT')
  end
end
local function write(id, untilMs, revision, list, member, json)
  redis.call('HSET', KEYS[1], id, text(untilMs) .. ' ' .. revision .. ' ' .. list .. ' ' .. member .. '\\n' .. json)
end
local function put(id, untilMs, revision, list, member, review, json)
  write(id, untilMs, revision, list, member, json)
  local at = string.match(member, ' (%d+) %d+ %d+$')
  redis.call('ZADD', KEYS[tonumber(list)], 0, at .. '-' .. id)
  redis.call('ZADD', KEYS[3], 0, member)
  if review ~= '' then redis.call('ZADD', KEYS[2], review, id) end
  need({ 1, 2, 3, tonumber(list) }, untilMs)
end
-- Its member in the requests and its place in a list stay. Only waiting changes its expiry, which also an SMS does that the broker
-- has refused.
local function replace(message, leftMs, revision, list, review, json)
  local untilMs = message.untilMs
  if tonumber(list) == pending then untilMs = math.max(untilMs, now + leftMs)
  elseif message.list == pending then untilMs = now + leftMs end
  if untilMs > message.untilMs then need({ 1, 3 }, untilMs) end
  write(message.id, untilMs, revision, list, message.member, json)
  if tonumber(list) ~= message.list then
    redis.call('ZREM', KEYS[message.list], message.place)
    redis.call('ZADD', KEYS[tonumber(list)], 0, message.place)
  end
  if review == '' then redis.call('ZREM', KEYS[2], message.id) else redis.call('ZADD', KEYS[2], review, message.id) end
  need({ 2, tonumber(list) }, untilMs)
end
-- Undefined also for one that has expired, which is removed.
local function kept(id)
  local message = read(id)
  if message and message.untilMs > now then return message end
  if message then drop(message) end
end
local function oldest(list)
  local place = redis.call('ZRANGE', KEYS[list], 0, 0)[1]
  return place and read(string.match(place, '%d+$'))
end
-- Somewhere behind one that waited, which so is kept longer than later ones.
local function purgeSome(list)
  local first = now * 31 % math.max(1, redis.call('ZCARD', KEYS[list]) - 19)
  for _, place in ipairs(redis.call('ZRANGE', KEYS[list], text(first), text(first + 19))) do
    local message = read(string.match(place, '%d+$'))
    if message and message.untilMs <= now then drop(message) end
  end
end
-- Each call removes some expired messages, so that they never accumulate.
local function purge(ttlMs)
  for list = 4, pending do
    for n = 1, 50 do
      local message = oldest(list)
      if not message then break end
      if message.untilMs > now then
        local waitedMs = message.untilMs - ttlMs - tonumber(string.match(message.place, '^%d+'))
        if list ~= pending and waitedMs > 60000 then purgeSome(list) end
        break
      end
      drop(message)
    end
  end
end
local function evict(max)
  for n = 1, 2000 do
    if redis.call('HLEN', KEYS[1]) <= max then return end
    local first
    for _, lists in ipairs(ranks) do
      for _, list in ipairs(lists) do
        local message = oldest(list)
        if message and (not first or message.place < first.place) then first = message end
      end
      if first then break end
    end
    if not first then return end
    drop(first)
  end
end`;

const messageScript = (name: string, body: string) => timedScript(name, keyCount, `${records}\n${body}`);

export const scripts = {
  /** ARGV: now, maximum, milliseconds to live, and for each message: id, milliseconds to live, revision, list, member, review, JSON. @returns the numbers of those whose ids are taken, from 0 */
  add: messageScript(
    'add messages',
    `
local taken = {}
for at = 4, #ARGV, 7 do
  local id = ARGV[at]
  if kept(id) then table.insert(taken, (at - 4) / 7)
  elseif tonumber(ARGV[at + 1]) > 0 then
    put(id, now + ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6])
  end
end
setExpiries()
purge(ARGV[3])
evict(tonumber(ARGV[2]))
return taken`,
  ),
  /** ARGV: now, and for each message: id, milliseconds to live if it waits or has waited, revision, list, review, JSON. @returns 1 for each that was replaced, otherwise 0 */
  replaceAll: messageScript(
    'replace messages',
    `
local replaced = {}
for at = 2, #ARGV, 6 do
  local message = kept(ARGV[at])
  local fits = message and tonumber(message.revision) == ARGV[at + 2] - 1
  if fits then replace(message, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]) end
  table.insert(replaced, fits and 1 or 0)
end
setExpiries()
return replaced`,
  ),
  /** ARGV: now, ids. */
  remove: messageScript(
    'remove messages',
    `
for at = 2, #ARGV do
  local message = read(ARGV[at])
  if message then drop(message) end
end
return 1`,
  ),
  /** ARGV: now, id. */
  get: messageScript(
    'get message',
    `
local message = kept(ARGV[2])
return message and message.json`,
  ),
  /** ARGV: now, ids. @returns false for a message that is not kept */
  getAll: messageScript(
    'get messages',
    `
local found = {}
for at = 2, #ARGV do
  local message = kept(ARGV[at])
  found[at - 1] = message and message.json or false
end
return found`,
  ),
  /** ARGV: now, request, maximum. */
  ofRequest: messageScript(
    'messages of request',
    `
local first, last = '[' .. ARGV[2] .. ' ', '[' .. ARGV[2] .. ' ~'
for n = 1, 100 do
  local found, isWhole = {}, true
  for _, member in ipairs(redis.call('ZRANGE', KEYS[3], first, last, 'BYLEX', 'LIMIT', 0, ARGV[3])) do
    local message = kept(string.match(member, '%d+$'))
    if message then table.insert(found, message.json) else isWhole = false end
  end
  if isWhole or n == 100 then return found end
end`,
  ),
  /** ARGV: now, the greatest place as a bound of ZRANGE, maximum. @returns the last place unless it is the end, and messages */
  page: messageScript(
    'page of messages',
    `
local limit = tonumber(ARGV[3])
local places = {}
for list = 4, 10 do
  for _, place in ipairs(redis.call('ZRANGE', KEYS[list], ARGV[2], '-', 'BYLEX', 'REV', 'LIMIT', 0, limit)) do table.insert(places, place) end
end
table.sort(places, function(a, b) return a > b end)
local found = { #places >= limit and places[limit] or '' }
for at = 1, math.min(#places, limit) do
  local message = kept(string.match(places[at], '%d+$'))
  if message then table.insert(found, message.json) end
end
return found`,
  ),
  /** ARGV: now, the time of review, maximum, milliseconds to live. */
  due: messageScript(
    'due messages',
    `
purge(ARGV[4])
local found = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', ARGV[2], 'BYSCORE', 'LIMIT', 0, ARGV[3])) do
  if kept(id) then table.insert(found, id) end
end
return found`,
  ),
  /** ARGV: now, milliseconds to live. */
  nextReviewAt: messageScript(
    'next review',
    `
purge(ARGV[2])
for n = 1, 100 do
  local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if not first[1] then return false end
  if kept(first[1]) then return first[2] end
end
return false`,
  ),
  /** ARGV: now, milliseconds to live. @returns the length of each list */
  count: messageScript(
    'count messages',
    `
purge(ARGV[2])
local counts = {}
for list = 4, 10 do table.insert(counts, redis.call('ZCARD', KEYS[list])) end
return counts`,
  ),
} as const;

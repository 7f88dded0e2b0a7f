// The Lua functions that keep the waiting entries of each order key in order. Part of the scripts of the outbox.

/**
 * `order` is a sorted set of members `<key>\0<sequence>\0<id>`, compared as text; `places` has the member of each id, and
 * under `=<key>` the head: the one entry of a key that is claimed or can be. The others of the key are in `followers`.
 */
export const orderLib = `
local order, places = KEYS[7], KEYS[8]
local nul = string.char(0)
local function partsOf(member)
  local first = string.find(member, nul, 1, true)
  local second = string.find(member, nul, first + 1, true)
  return string.sub(member, 1, first - 1), string.sub(member, first + 1, second - 1), string.sub(member, second + 1)
end
local function headOf(key) return redis.call('HGET', places, '=' .. key) end
local function countOf(key)
  return redis.call('ZLEXCOUNT', order, '[' .. key .. nul, '(' .. key .. string.char(1))
end
local function idsOf(key, count)
  local ids = {}
  local found = redis.call('ZRANGE', order, '[' .. key .. nul, '(' .. key .. string.char(1), 'BYLEX', 'LIMIT', 0, count)
  for n, member in ipairs(found) do
    local _, _, id = partsOf(member)
    ids[n] = id
  end
  return ids
end
-- Makes the first entry of a key due, and no other; but a claimed one stays claimed.
local function elect(key)
  local head, first = headOf(key), idsOf(key, 1)[1]
  if head == first or head and redis.call('HEXISTS', claims, head) == 1 then return end
  if head then
    redis.call('ZADD', followers, redis.call('ZSCORE', waiting, head) or now, head)
    redis.call('ZREM', waiting, head)
  end
  if not first then return redis.call('HDEL', places, '=' .. key) end
  redis.call('HSET', places, '=' .. key, first)
  redis.call('ZADD', waiting, redis.call('ZSCORE', followers, first) or now, first)
  redis.call('ZREM', followers, first)
end
local function electAfter(id)
  local member = redis.call('HGET', places, id)
  if member then elect((partsOf(member))) end
end
local function leave(id)
  local member = redis.call('HGET', places, id)
  if not member then return end
  local key = partsOf(member)
  redis.call('HDEL', places, id)
  redis.call('ZREM', order, member)
  redis.call('ZREM', followers, id)
  if headOf(key) == id then redis.call('HDEL', places, '=' .. key) end
  elect(key)
end
-- Adds an entry, or leaves it where it is, and returns the head of its key.
local function join(id, key, sequence)
  local member = redis.call('HGET', places, id)
  if member and partsOf(member) ~= key then
    leave(id)
    redis.call('ZREM', waiting, id)
    member = nil
  end
  if not member then
    if sequence == '' then
      local last = redis.call('ZRANGE', order, '(' .. key .. string.char(1), '[' .. key .. nul, 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
      sequence = 1
      if last then
        local _, latest = partsOf(last)
        sequence = latest + 1
      end
    end
    member = key .. nul .. string.format('%016.0f', sequence) .. nul .. id
    redis.call('HSET', places, id, member)
    redis.call('ZADD', order, 0, member)
  end
  local head = headOf(key) or id
  redis.call('HSET', places, '=' .. key, head)
  return head
end
-- The JSON of an entry with its sequence, if it has an order key.
local function sequenced(id, entry)
  local member = redis.call('HGET', places, id)
  if not member then return entry end
  local _, sequence = partsOf(member)
  return string.format('{"sequence":%.0f,', sequence) .. string.sub(entry, 2)
end`;

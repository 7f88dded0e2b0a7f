// The Lua scripts of sessions; each one is atomic. Used by sessions.ts. A session is a hash: state; until
// (milliseconds); id; successor (the key that maps the session's first id to its current one); socket (the last one
// attached, absent before); publicKey and sharedKey (once a phone holds it). `unattached` and `replaced` are sorted sets of
// the keys of open sessions, oldest first: those to which no socket has attached, in the order of their opening, and those
// that were rotated last without a socket, in that order.

import { timedScript } from './script.ts';

const lib = `
local function find(key)
  local found = redis.call('HMGET', key, 'state', 'until', 'id', 'successor', 'socket', 'publicKey', 'sharedKey')
  if not found[1] or tonumber(found[2]) <= now then return nil end
  return { state = found[1], id = found[3], successor = found[4], socket = found[5],
           publicKey = found[6], sharedKey = found[7] }
end
-- The session of KEYS[1], or else the successor that KEYS[2] names.
local function findOrSuccessor()
  local session = find(KEYS[1])
  if session then return KEYS[1], session end
  local untilMs, successor = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+) (.*)$')
  if successor and tonumber(untilMs) > now then return successor, find(successor) end
end
local function belongsToAnother(session, socket)
  return socket ~= '' and session.socket and session.socket ~= '' and session.socket ~= socket
end
local function live(key, ttl, ...)
  redis.call('HSET', key, 'until', text(now + ttl), ...)
  redis.call('PEXPIRE', key, ttl)
end
local function unlist(key, ...)
  for _, set in ipairs({ ... }) do redis.call('ZREM', set, key) end
end
-- Adds the session as the newest of the set, and evicts the oldest ones above the maximum.
local function listNewest(set, key, ttl, maximum)
  local last = redis.call('ZRANGE', set, -1, -1, 'WITHSCORES')
  redis.call('ZADD', set, (last[2] or 0) + 1, key)
  redis.call('PEXPIRE', set, ttl)
  for _, each in ipairs(redis.call('ZRANGE', set, 0, 3)) do
    if not find(each) then redis.call('ZREM', set, each) end
  end
  -- Removes more than one session only after the maximum was lowered.
  for _ = 1, math.min(100, redis.call('ZCARD', set) - maximum) do
    local oldest = redis.call('ZPOPMIN', set)[1]
    local successor = redis.call('HGET', oldest, 'successor')
    redis.call('DEL', oldest, successor or oldest)
  end
end
local function view(session)
  return { session.id, session.state, session.publicKey, session.sharedKey }
end`;

const script = (name: string, keys: number, body: string) => timedScript(name, keys, `${lib}\n${body}`);

export const scripts = {
  /** KEYS: session, unattached, replaced. ARGV: now, ttl, maximum of each set, id, successor key. */
  open: script(
    'open session',
    3,
    `
local session = find(KEYS[1])
if session and session.state ~= 'open' then return end
if session and session.socket then
  live(KEYS[1], ARGV[2])
  if redis.call('ZSCORE', KEYS[3], KEYS[1]) then listNewest(KEYS[3], KEYS[1], ARGV[2], ARGV[3]) end
  return
end
redis.call('DEL', KEYS[1])
unlist(KEYS[1], KEYS[3])
live(KEYS[1], ARGV[2], 'state', 'open', 'id', ARGV[4], 'successor', ARGV[5])
listNewest(KEYS[2], KEYS[1], ARGV[2], ARGV[3])`,
  ),

  /** KEYS: session, successor, unattached, replaced. ARGV: now, ttl, socket. */
  show: script(
    'show session',
    4,
    `
local key, session = findOrSuccessor()
if not session then return end
if session.state == 'open' then
  live(key, ARGV[2], 'socket', ARGV[3])
  unlist(key, KEYS[3], KEYS[4])
end
return view(session)`,
  ),

  /** KEYS: session, successor. ARGV: now. */
  find: script(
    'find session',
    2,
    `
local _, session = findOrSuccessor()
return session and view(session)`,
  ),

  /** KEYS: session. ARGV: now. */
  get: script(
    'get session',
    1,
    `
local session = find(KEYS[1])
return session and view(session)`,
  ),

  /**
   * KEYS: session, new session, unattached, replaced. ARGV: now, ttl, ttl of the successor key, new id, socket or '',
   * maximum of replaced sessions.
   */
  rotate: script(
    'rotate session',
    4,
    `
local session = find(KEYS[1])
if not session then return 'unknown' end
if session.state ~= 'open' then return session.state end
if belongsToAnother(session, ARGV[5]) then return 'kept' end
if find(KEYS[2]) then return 'used' end
redis.call('RENAME', KEYS[1], KEYS[2])
live(KEYS[2], ARGV[2], 'id', ARGV[4], 'socket', session.socket or '')
for _, set in ipairs({ KEYS[3], KEYS[4] }) do redis.call('ZREM', set, KEYS[1], KEYS[2]) end
if ARGV[5] == '' then listNewest(KEYS[4], KEYS[2], ARGV[2], ARGV[6]) end
redis.call('SET', session.successor, text(now + ARGV[3]) .. ' ' .. KEYS[2], 'PX', ARGV[3])
return 'rotated'`,
  ),

  /** KEYS: session, unattached, replaced. ARGV: now, ttl, public key, shared key. */
  pause: script(
    'pause session',
    3,
    `
local session = find(KEYS[1])
if not session then return 'unknown' end
if session.state ~= 'open' then return session.publicKey == ARGV[3] and 'paused' or 'taken' end
live(KEYS[1], ARGV[2], 'state', 'paused', 'publicKey', ARGV[3], 'sharedKey', ARGV[4])
unlist(KEYS[1], KEYS[2], KEYS[3])
return 'paused'`,
  ),

  /** KEYS: session. ARGV: now, ttl. */
  complete: script(
    'complete session',
    1,
    `
local session = find(KEYS[1])
if session and session.state == 'paused' then live(KEYS[1], ARGV[2], 'state', 'paired') end`,
  ),

  /** KEYS: session, unattached, replaced. ARGV: now. */
  remove: script(
    'remove session',
    3,
    `
redis.call('DEL', KEYS[1])
unlist(KEYS[1], KEYS[2], KEYS[3])`,
  ),

  /** KEYS: session, unattached, replaced. ARGV: now, socket. */
  end: script(
    'end session',
    3,
    `
local session = find(KEYS[1])
if not session then return 'unknown' end
if session.state ~= 'open' then return session.state end
if belongsToAnother(session, ARGV[2]) then return 'kept' end
redis.call('DEL', KEYS[1])
unlist(KEYS[1], KEYS[2], KEYS[3])
return 'ended'`,
  ),
} as const;

// Work under way, known to all nodes: a key that says whose it is, and one with the outcome for those who wait.

import { newUuid } from '../../crypto/random.ts';
import type { FlightStore } from '../../domain/ports.ts';
import { type KeySpace, type Redis, type Timed, timedScript, wellFormed } from './script.ts';

/** Those who wait look several times a second. */
const outcomeTtlMs = 30_000;

export function createRedisFlights(redis: Redis, keys: KeySpace, now: Timed): FlightStore {
  // Both in one slot, also for a key that holds braces: Redis takes what is between the first of them.
  const flightKey = (key: string): string => keys.together(`flight:${wellFormed(key)}`, 'now');
  const outcomeKey = (key: string, flight: string): string =>
    keys.together(`flight:${wellFormed(key)}`, flight);
  const both = (key: string, flight: string) => [flightKey(key), outcomeKey(key, flight)];

  return {
    begin: async (key, leaseMs) => {
      const mine = newUuid();
      const flight = String(await redis.run(scripts.begin, [flightKey(key)], [now(), mine, leaseMs]));
      return { flight, mine: flight === mine };
    },
    renew: async (key, flight, leaseMs) => {
      await redis.run(scripts.renew, [flightKey(key)], [now(), flight, leaseMs]);
    },
    land: async (key, flight, outcome) => {
      await redis.run(scripts.land, both(key, flight), [now(), flight, outcome, outcomeTtlMs]);
    },
    look: async (key, flight) => {
      const reply = await redis.run(scripts.look, both(key, flight), [now(), flight]);
      if (Array.isArray(reply)) return { outcome: String(reply[0]) };
      return reply === 1 ? 'under way' : 'lost';
    },
  };
}

/** A flight is the text `<end in milliseconds> <id>`. */
const lib = `
local ends, id = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
if ends and tonumber(ends) <= now then id = nil end
local function keep(flight, lease)
  redis.call('SET', KEYS[1], text(now + lease) .. ' ' .. flight, 'PX', lease)
end`;

/** KEYS: flight, outcome. */
const scripts = {
  /** ARGV: now, id, lease. */
  begin: timedScript(
    'begin flight',
    1,
    `${lib}
if id then return id end
keep(ARGV[2], ARGV[3])
return ARGV[2]`,
  ),
  /** ARGV: now, id, lease. */
  renew: timedScript(
    'renew flight',
    1,
    `${lib}
if id == ARGV[2] then keep(id, ARGV[3]) end`,
  ),
  /** ARGV: now, id, outcome, how long it is kept. */
  land: timedScript(
    'land flight',
    2,
    `${lib}
if id == ARGV[2] then redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])`,
  ),
  /** ARGV: now, id. */
  look: timedScript(
    'look flight',
    2,
    `${lib}
local outcome = redis.call('GET', KEYS[2])
if outcome then return { outcome } end
return id == ARGV[2] and 1 or 0`,
  ),
} as const;

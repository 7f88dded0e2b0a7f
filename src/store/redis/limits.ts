// Rate limits in Redis, counted over all nodes: fixed windows, each opened by its first event, gone with its end.

import type { RateLimit } from '../../domain/model.ts';
import type { LimitStore } from '../../domain/ports.ts';
import type { RedisScript } from './connection/connect.ts';
import { type KeySpace, type Redis, type Timed, timedScript } from './script.ts';

export function createRedisLimits(redis: Redis, keys: KeySpace, now: Timed): LimitStore {
  const run = async (script: RedisScript, key: string, limit: Exclude<RateLimit, 'off'>): Promise<number> =>
    Number(await redis.run(script, [keys.alone('limit', key)], [now(), limit.count, limit.windowMs]));

  return {
    take: async (key, limit) => (limit === 'off' ? 0 : run(scripts.take, key, limit)),
    peek: async (key, limit) => (limit === 'off' ? 0 : run(scripts.peek, key, limit)),
    giveBack: async (key, limit) => {
      if (limit !== 'off') await run(scripts.giveBack, key, limit);
    },
  };
}

/** A window is the text `<events> <end in milliseconds>`. */
const lib = `
local used, ends = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
used, ends = tonumber(used), tonumber(ends)
if not ends or ends <= now then used, ends = 0, now + ARGV[3] end
local wait = used >= tonumber(ARGV[2]) and math.ceil((ends - now) / 1000) or 0
local function keep(events)
  redis.call('SET', KEYS[1], text(events) .. ' ' .. text(ends), 'PX', text(ends - now))
end`;

/** KEYS: window. ARGV: now, count, length of the window. */
const scripts = {
  take: timedScript(
    'take limit',
    1,
    `${lib}
if wait == 0 then keep(used + 1) end
return wait`,
  ),
  peek: timedScript('peek limit', 1, `${lib}\nreturn wait`),
  giveBack: timedScript(
    'giveBack limit',
    1,
    `${lib}
-- The event that opened the window did not count, so neither does the window.
if used > 1 then keep(used - 1) else redis.call('DEL', KEYS[1]) end
return 0`,
  ),
} as const;

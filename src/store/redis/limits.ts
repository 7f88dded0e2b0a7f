// Rate limits in Redis, counted over all nodes: fixed windows that their first event opens and that expire at their
// end.

import type { RateLimit } from '../../domain/shared/model.ts';
import type { Clock, LimitStore } from '../../domain/shared/ports.ts';
import type { RedisScript } from '../../redis/connect.ts';
import { createLimitRejections } from '../limit-rejections.ts';
import { type KeySpace, type NowArgument, type ScriptRunner, timedScript } from './script.ts';

export function createRedisLimits(
  redis: ScriptRunner,
  keys: KeySpace,
  now: NowArgument,
  clock: Pick<Clock, 'monotonic'>,
): LimitStore {
  const run = async (
    script: RedisScript,
    key: string,
    limit: Exclude<RateLimit, 'off'>,
    events = 1,
  ): Promise<number> =>
    Number(
      await redis.run(script, [keys.single('limit', key)], [now(), limit.count, limit.windowMs, events]),
    );

  const rejections = createLimitRejections(clock);

  return {
    consume: async (key, limit, events) =>
      limit === 'off' ? 0 : rejections.record(key, await run(scripts.consume, key, limit, events)),
    peek: async (key, limit) =>
      limit === 'off' ? 0 : rejections.record(key, await run(scripts.peek, key, limit)),
    peekLocal: (key, limit) => (limit === 'off' ? 0 : rejections.of(key)),
    refund: async (key, limit, events) => {
      if (limit === 'off') return;
      rejections.forget(key);
      await run(scripts.refund, key, limit, events);
    },
    // Redis outlives this process.
    persist: async () => {},
  };
}

/** A window is stored as `<events> <end in milliseconds>`. */
const lib = `
local used, ends = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
used, ends = tonumber(used), tonumber(ends)
if not ends or ends <= now then used, ends = 0, now + ARGV[3] end
local function keep(events)
  redis.call('SET', KEYS[1], text(events) .. ' ' .. text(ends), 'PX', text(ends - now))
end
-- A clock that was set back does not extend a window.
if ends > now + ARGV[3] then
  ends = now + ARGV[3]
  keep(used)
end
local wait = used >= tonumber(ARGV[2]) and math.ceil((ends - now) / 1000) or 0`;

/** KEYS: window. ARGV: now, count, length of the window, events. */
const scripts = {
  consume: timedScript(
    'consume limit',
    1,
    `${lib}
if wait == 0 then keep(used + ARGV[4]) end
return wait`,
  ),
  peek: timedScript('peek limit', 1, `${lib}\nreturn wait`),
  refund: timedScript(
    'refund limit',
    1,
    `${lib}
-- The event that opened the window did not count, so neither does the window.
local rest = used - ARGV[4]
if rest > 0 then keep(rest) else redis.call('DEL', KEYS[1]) end
return 0`,
  ),
} as const;

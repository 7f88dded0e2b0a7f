// How full the window of a limit is, and in which window a later SMS has its turn. Used by pacing.ts for forecasts.

import type { LimitKey } from '../shared/limit-keys.ts';
import type { RateLimit } from '../shared/model.ts';
import type { LimitStore } from '../shared/ports.ts';

export interface LimitWindow {
  /** How many windows after the present one the SMS is admitted that has this number of others before it. */
  windowsUntil(ahead: number): number;
  readonly windowMs: number;
  /** Milliseconds until the present window ends; one that is not open yet has its whole length. */
  readonly endsInMs: number;
}

/** Reads the store at most twice, and once more for each bit of the limit's count. Throws UNAVAILABLE. */
export async function readWindow(limits: LimitStore, key: LimitKey, limit: RateLimit): Promise<LimitWindow> {
  if (limit === 'off') return { windowsUntil: () => 0, windowMs: 0, endsInMs: 0 };
  const { count, windowMs } = limit;
  /** Seconds until the window ends, if this many events are counted in it. */
  const peek = (events: number): Promise<number> => limits.peek(key, { count: events, windowMs });
  const full = await peek(count);
  const seconds = full > 0 ? full : await peek(1);
  let used = full > 0 ? count : Math.min(1, seconds);
  for (let tooMany = count; full === 0 && used > 0 && tooMany - used > 1; ) {
    const middle = Math.floor((used + tooMany) / 2);
    if ((await peek(middle)) > 0) used = middle;
    else tooMany = middle;
  }
  return {
    windowsUntil: (ahead) => Math.floor((used + ahead) / count),
    windowMs,
    endsInMs: used > 0 ? seconds * 1_000 : windowMs,
  };
}

// Rate limits in memory: fixed windows, each opened by its first event. Every embedded store uses it.

import { LRUCache } from 'lru-cache';
import type { Clock, LimitStore } from '../../domain/ports.ts';

/** Keys that are counted at once (about 20 MB when full); the least recently used is forgotten. */
const maxKeys = 100_000;

/** Time is the monotonic clock's. A refused event is not counted and does not lengthen the window. */
export function createMemoryLimits(clock: Pick<Clock, 'monotonic'>): LimitStore {
  const windows = new LRUCache<string, { used: number; readonly endsAt: number }>({ max: maxKeys });

  const current = (key: string) => {
    const window = windows.get(key);
    return window && window.endsAt > clock.monotonic() ? window : undefined;
  };

  /** Seconds until the key's window ends, or 0 while there is room in it. */
  const waitOf = (key: string, count: number): number => {
    const window = current(key);
    return window && window.used >= count ? Math.ceil((window.endsAt - clock.monotonic()) / 1_000) : 0;
  };

  return {
    peek: async (key, limit) => (limit === 'off' ? 0 : waitOf(key, limit.count)),

    take: async (key, limit) => {
      if (limit === 'off') return 0;
      const seconds = waitOf(key, limit.count);
      if (seconds > 0) return seconds;
      const window = current(key) ?? { used: 0, endsAt: clock.monotonic() + limit.windowMs };
      window.used++;
      windows.set(key, window);
      return 0;
    },

    giveBack: async (key, limit) => {
      const window = limit === 'off' ? undefined : current(key);
      if (!window) return;
      window.used--;
      // The event that opened the window did not count, so neither does the window.
      if (window.used === 0) windows.delete(key);
    },
  };
}

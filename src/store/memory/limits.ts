// Rate limits in memory: fixed windows, each opened by its first event. Every embedded store uses it.

import { LRUCache } from 'lru-cache';
import type { Clock, LimitStore } from '../../domain/ports.ts';

/** Keys that are counted at once (about 20 MB when full); the least recently used is forgotten. */
const maxKeys = 100_000;

/** Time is the monotonic clock's. A refused event is not counted and does not lengthen the window. */
export function createMemoryLimits(clock: Pick<Clock, 'monotonic'>): LimitStore {
  // By size, as a cache with `max` has the memory of all its keys from the start.
  const windows = new LRUCache<string, { used: number; readonly endsAt: number }>({
    maxSize: maxKeys,
    sizeCalculation: () => 1,
  });

  const current = (key: string, now: number) => {
    const window = windows.get(key);
    return window && window.endsAt > now ? window : undefined;
  };

  const secondsUntil = (end: number, now: number): number => Math.ceil((end - now) / 1_000);

  return {
    peek: async (key, limit) => {
      if (limit === 'off') return 0;
      const now = clock.monotonic();
      const window = current(key, now);
      return window && window.used >= limit.count ? secondsUntil(window.endsAt, now) : 0;
    },

    take: (key, limit) => {
      if (limit === 'off') return 0;
      const now = clock.monotonic();
      const window = current(key, now);
      if (!window) windows.set(key, { used: 1, endsAt: now + limit.windowMs });
      else if (window.used < limit.count) window.used++;
      else return secondsUntil(window.endsAt, now);
      return 0;
    },

    giveBack: async (key, limit) => {
      const window = limit === 'off' ? undefined : current(key, clock.monotonic());
      if (!window) return;
      window.used--;
      // The event that opened the window did not count, so neither does the window.
      if (window.used === 0) windows.delete(key);
    },
  };
}

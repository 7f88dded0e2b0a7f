// The seeds of the memory store.

import type { SeedStore } from '../../domain/seeds/ports.ts';
import type { StoreOptions } from '../options.ts';
import { createRecentSeeds } from './recent-seeds.ts';

/** Each ping adds at most one recent seed and removes up to this many stale ones. */
const expiredPerCall = 2;

export function createMemorySeeds({ clock, seeds: options }: StoreOptions): SeedStore {
  const registered = createRecentSeeds(clock, options.activeMs);
  const recent = createRecentSeeds(clock, options.activeMs);
  let evicted = 0;

  return {
    ping: async (seed) => {
      const sinceMs = registered.touch(seed);
      recent.touch(seed);
      for (const old of recent.stale(expiredPerCall)) recent.remove(old);
      const silent = registered.size > options.maxRegistered ? registered.oldest() : undefined;
      if (silent) {
        registered.remove(silent);
        recent.remove(silent);
        evicted++;
      }
      return sinceMs;
    },
    active: (maxAgeMs) => {
      for (const old of recent.stale(Number.POSITIVE_INFINITY)) recent.remove(old);
      return recent.list(maxAgeMs);
    },
    getActive: async (imsi, maxAgeMs) => recent.get(imsi, maxAgeMs),
    get: async (imsi) => registered.get(imsi),
    usage: async () => ({ registered: registered.size, evicted }),
  };
}

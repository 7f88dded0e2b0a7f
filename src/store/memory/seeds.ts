// Seeds in memory, for the memory store.

import type { Seed } from '../../domain/model.ts';
import type { SeedStore } from '../../domain/ports.ts';
import type { StoreOptions } from '../options.ts';
import { tooManySeeds } from '../refusals.ts';
import { createRecentSeeds } from './recent-seeds.ts';

/** Each ping adds at most one recent seed and lets go of up to this many stale ones. */
const droppedPerCall = 2;

export function createMemorySeeds({ clock, seeds: options }: StoreOptions): SeedStore {
  const registered = new Map<string, Seed>();
  const recent = createRecentSeeds(clock, options.activeMs);

  return {
    ping: async (seed) => {
      if (!registered.has(seed.imsi) && registered.size >= options.maxRegistered) {
        throw tooManySeeds(options.maxRegistered);
      }
      registered.set(seed.imsi, seed);
      recent.touch(seed);
      for (const old of recent.stale(droppedPerCall)) recent.drop(old);
    },
    active: (maxAgeMs) => {
      for (const old of recent.stale(Number.POSITIVE_INFINITY)) recent.drop(old);
      return recent.list(maxAgeMs);
    },
    getActive: async (imsi, maxAgeMs) => recent.get(imsi, maxAgeMs),
    get: async (imsi) => registered.get(imsi),
  };
}

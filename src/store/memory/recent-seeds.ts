// The seeds that pinged lately, oldest ping first. The memory and lowdb stores keep their seeds in it.

import type { Seed } from '../../domain/model.ts';
import type { Clock } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';

export interface RecentSeeds {
  /** Records a ping, `ageMs` milliseconds ago; to be called in the order of age, the oldest first. */
  touch(seed: Seed, ageMs?: number): void;
  /** The seed if it is in memory, and at most `maxAgeMs` old when that is given. */
  get(imsi: string, maxAgeMs?: number): Seed | undefined;
  /**
   * The seeds that are at most `maxAgeMs` old, the oldest first; the very same array as before when these are the same
   * pings. Throws INTERNAL above `activeMs`.
   */
  list(maxAgeMs: number): readonly Seed[];
  /** All in memory, the oldest first. */
  all(): Seed[];
  /** Up to `count` seeds that are older than `activeMs`, the oldest first. */
  stale(count: number): Seed[];
  /** Forgets this very ping; does nothing when a newer one has come. */
  drop(seed: Seed): void;
}

/** Age is measured by the monotonic clock from the moment of the ping, so wall time does not matter. */
export function createRecentSeeds(clock: Pick<Clock, 'monotonic'>, activeMs: number): RecentSeeds {
  const pings = new Map<string, { readonly seed: Seed; readonly at: number }>();
  /** The last list; it holds until a ping comes, or its oldest seed is too old. */
  let listed:
    | { readonly seeds: readonly Seed[]; readonly maxAgeMs: number; readonly oldest: number }
    | undefined;
  const all = () => Array.from(pings.values(), ({ seed }) => seed);

  return {
    touch: (seed, ageMs = 0) => {
      // Inserted anew, so that the map's order stays the order of pings.
      pings.delete(seed.imsi);
      pings.set(seed.imsi, { seed, at: clock.monotonic() - ageMs });
      listed = undefined;
    },

    get: (imsi, maxAgeMs) => {
      if (maxAgeMs !== undefined) checkAge(maxAgeMs, activeMs);
      const ping = pings.get(imsi);
      if (!ping) return undefined;
      return maxAgeMs === undefined || clock.monotonic() - ping.at <= maxAgeMs ? ping.seed : undefined;
    },

    list: (maxAgeMs) => {
      checkAge(maxAgeMs, activeMs);
      const since = clock.monotonic() - maxAgeMs;
      if (listed?.maxAgeMs === maxAgeMs && listed.oldest >= since) return listed.seeds;
      const seeds: Seed[] = [];
      let oldest = Number.POSITIVE_INFINITY;
      for (const { seed, at } of pings.values()) {
        if (at < since) continue;
        seeds.push(seed);
        oldest = Math.min(oldest, at);
      }
      listed = { seeds, maxAgeMs, oldest };
      return seeds;
    },

    all,

    stale: (count) => {
      const since = clock.monotonic() - activeMs;
      const found: Seed[] = [];
      for (const { seed, at } of pings.values()) {
        if (at >= since || found.length === count) break;
        found.push(seed);
      }
      return found;
    },

    drop: (seed) => {
      if (pings.get(seed.imsi)?.seed !== seed) return;
      pings.delete(seed.imsi);
      listed = undefined;
    },
  };
}

function checkAge(maxAgeMs: number, activeMs: number): void {
  if (maxAgeMs <= activeMs) return;
  throw new SwobError(
    'INTERNAL',
    `seeds of ${maxAgeMs} ms are asked for, but kept active for ${activeMs} ms`,
  );
}

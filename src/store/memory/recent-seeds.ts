// The seeds that pinged lately, oldest ping first. The memory and lowdb stores keep their seeds in it.

import type { Seed } from '../../domain/model.ts';
import type { Clock } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';

export interface RecentSeeds {
  /** Records a ping, `ageMs` milliseconds ago; to be called in the order of age, the oldest first. */
  touch(seed: Seed, ageMs?: number): void;
  /** The seed if it is in memory, and at most `maxAgeMs` old when that is given. */
  get(imsi: string, maxAgeMs?: number): Seed | undefined;
  /** The seeds that are at most `maxAgeMs` old, the oldest first. Throws INTERNAL above `activeMs`. */
  list(maxAgeMs: number): Seed[];
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
  const all = () => Array.from(pings.values(), ({ seed }) => seed);

  return {
    touch: (seed, ageMs = 0) => {
      // Inserted anew, so that the map's order stays the order of pings.
      pings.delete(seed.imsi);
      pings.set(seed.imsi, { seed, at: clock.monotonic() - ageMs });
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
      const found: Seed[] = [];
      for (const { seed, at } of pings.values()) if (at >= since) found.push(seed);
      return found;
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
      if (pings.get(seed.imsi)?.seed === seed) pings.delete(seed.imsi);
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

// The seeds that pinged lately, oldest ping first. The memory and lowdb stores keep their seeds in it.

import type { Seed } from '../../domain/model.ts';
import type { Clock } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';

export interface RecentSeeds {
  /** Records a ping, `ageMs` milliseconds ago; to be called in the order of age, the oldest first. */
  touch(seed: Seed, ageMs?: number): void;
  /** The same, now, if the seed is in memory with this number and type; else false, and nothing is recorded. */
  touchKnown(seed: Seed): boolean;
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

interface Ping {
  /** As of an earlier ping where `lps` is another: it is made anew when somebody asks. */
  seed: Seed;
  lps: number;
  isOutdated: boolean;
  at: number;
  older: Ping | undefined;
  newer: Ping | undefined;
}

/**
 * Age is measured by the monotonic clock from the moment of the ping, so wall time does not matter. The order is a list's,
 * not the map's: a map that is deleted from and added to for each ping is copied again and again.
 */
export function createRecentSeeds(clock: Pick<Clock, 'monotonic'>, activeMs: number): RecentSeeds {
  const pings = new Map<string, Ping>();
  /** The last list; it holds until a ping comes, or its oldest seed is too old. */
  let listed:
    | { readonly seeds: readonly Seed[]; readonly maxAgeMs: number; readonly oldestAt: number }
    | undefined;
  let oldest: Ping | undefined;
  let newest: Ping | undefined;

  const unlink = (ping: Ping): void => {
    if (ping.older) ping.older.newer = ping.newer;
    else oldest = ping.newer;
    if (ping.newer) ping.newer.older = ping.older;
    else newest = ping.older;
    ping.older = undefined;
    ping.newer = undefined;
  };
  const append = (ping: Ping): void => {
    ping.older = newest;
    if (newest) newest.newer = ping;
    else oldest = ping;
    newest = ping;
  };

  const renew = (ping: Ping, lps: number, at: number): void => {
    unlink(ping);
    ping.lps = lps;
    ping.at = at;
    append(ping);
    listed = undefined;
  };
  const seedOf = (ping: Ping): Seed => {
    if (!ping.isOutdated) return ping.seed;
    const { imsi, msisdn, seedType } = ping.seed;
    ping.seed = { imsi, msisdn, seedType, lps: ping.lps };
    ping.isOutdated = false;
    return ping.seed;
  };

  return {
    touch: (seed, ageMs = 0) => {
      const at = clock.monotonic() - ageMs;
      const known = pings.get(seed.imsi);
      if (known) {
        known.seed = seed;
        known.isOutdated = false;
        return renew(known, seed.lps, at);
      }
      const ping = { seed, lps: seed.lps, isOutdated: false, at, older: undefined, newer: undefined };
      pings.set(seed.imsi, ping);
      append(ping);
      listed = undefined;
    },

    touchKnown: (seed) => {
      const ping = pings.get(seed.imsi);
      if (!ping || !isSameRegistration(ping.seed, seed)) return false;
      // No new seed: it would live until the next ping, long enough to be taken for old, and it is rarely asked for.
      ping.isOutdated = true;
      renew(ping, seed.lps, clock.monotonic());
      return true;
    },

    get: (imsi, maxAgeMs) => {
      if (maxAgeMs !== undefined) checkAge(maxAgeMs, activeMs);
      const ping = pings.get(imsi);
      if (!ping) return undefined;
      return maxAgeMs === undefined || clock.monotonic() - ping.at <= maxAgeMs ? seedOf(ping) : undefined;
    },

    list: (maxAgeMs) => {
      checkAge(maxAgeMs, activeMs);
      const since = clock.monotonic() - maxAgeMs;
      if (listed?.maxAgeMs === maxAgeMs && listed.oldestAt >= since) return listed.seeds;
      const seeds: Seed[] = [];
      let oldestAt = Number.POSITIVE_INFINITY;
      for (let ping = oldest; ping; ping = ping.newer) {
        if (ping.at < since) continue;
        seeds.push(seedOf(ping));
        oldestAt = Math.min(oldestAt, ping.at);
      }
      listed = { seeds, maxAgeMs, oldestAt };
      return seeds;
    },

    all: () => {
      const found: Seed[] = [];
      for (let ping = oldest; ping; ping = ping.newer) found.push(seedOf(ping));
      return found;
    },

    stale: (count) => {
      const since = clock.monotonic() - activeMs;
      const found: Seed[] = [];
      for (let ping = oldest; ping && ping.at < since && found.length < count; ping = ping.newer) {
        found.push(seedOf(ping));
      }
      return found;
    },

    drop: (seed) => {
      const ping = pings.get(seed.imsi);
      if (!ping || seedOf(ping) !== seed) return;
      unlink(ping);
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

export function isSameRegistration(a: Seed, b: Seed): boolean {
  return a.msisdn === b.msisdn && a.seedType === b.seedType;
}

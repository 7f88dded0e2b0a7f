// The seeds that pinged recently, in order of their pings. Used by the memory and lowdb stores.

import type { Seed } from '../../domain/seeds/model.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';

export interface RecentSeeds {
  /**
   * Records a ping with an age of `ageMs` milliseconds; calls must be in order of age, oldest first.
   * @returns the milliseconds since the ping before, if that is in memory
   */
  touch(seed: Seed, ageMs?: number): number | undefined;
  /**
   * The same for a ping now, if the seed is active with this number and type; otherwise returns undefined and records
   * nothing.
   */
  touchIfActive(seed: Seed): number | undefined;
  /** The seed if it is in memory and, when `maxAgeMs` is given, at most that old. */
  get(imsi: string, maxAgeMs?: number): Seed | undefined;
  /**
   * The seeds that are at most `maxAgeMs` old, oldest first. Returns the same array as the last call while the pings
   * are the same. Throws INTERNAL above `activeMs`.
   */
  list(maxAgeMs: number): readonly Seed[];
  /** The seed with the oldest ping. */
  oldest(): Seed | undefined;
  readonly size: number;
  /** All seeds in memory, oldest first. */
  all(): Seed[];
  /** Up to `count` seeds that are older than `activeMs`, oldest first. */
  stale(count: number): Seed[];
  /** Removes the seed unless it has pinged again since. */
  remove(seed: Seed): void;
}

interface Ping {
  /** Belongs to an earlier ping when its `lps` differs; then it is recreated on the next read. */
  seed: Seed;
  lps: number;
  isOutdated: boolean;
  at: number;
  older: Ping | undefined;
  newer: Ping | undefined;
}

/**
 * Measures age by the monotonic clock from the moment of the ping, so wall time does not matter. A linked list keeps
 * the order, because a Map that is deleted from and added to at each ping is rehashed again and again.
 */
export function createRecentSeeds(clock: Pick<Clock, 'monotonic'>, activeMs: number): RecentSeeds {
  const pings = new Map<string, Ping>();
  /** The last result of `list`; valid until the next ping or until its oldest seed expires. */
  let cachedList:
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

  const moveToNewest = (ping: Ping, lps: number, at: number): void => {
    unlink(ping);
    ping.lps = lps;
    ping.at = at;
    append(ping);
    cachedList = undefined;
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
        const sinceMs = at - known.at;
        moveToNewest(known, seed.lps, at);
        return sinceMs;
      }
      const ping = { seed, lps: seed.lps, isOutdated: false, at, older: undefined, newer: undefined };
      pings.set(seed.imsi, ping);
      append(ping);
      cachedList = undefined;
      return undefined;
    },

    touchIfActive: (seed) => {
      const ping = pings.get(seed.imsi);
      const now = clock.monotonic();
      if (!ping || now - ping.at > activeMs || !isSameRegistration(ping.seed, seed)) return undefined;
      const sinceMs = now - ping.at;
      // Does not create a Seed, which V8 would promote to the old space before the next ping and which is rarely
      // read.
      ping.isOutdated = true;
      moveToNewest(ping, seed.lps, now);
      return sinceMs;
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
      if (cachedList?.maxAgeMs === maxAgeMs && cachedList.oldestAt >= since) return cachedList.seeds;
      const seeds: Seed[] = [];
      let oldestAt = Number.POSITIVE_INFINITY;
      for (let ping = oldest; ping; ping = ping.newer) {
        if (ping.at < since) continue;
        seeds.push(seedOf(ping));
        oldestAt = Math.min(oldestAt, ping.at);
      }
      cachedList = { seeds, maxAgeMs, oldestAt };
      return seeds;
    },

    oldest: () => oldest && seedOf(oldest),
    get size() {
      return pings.size;
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

    remove: (seed) => {
      const ping = pings.get(seed.imsi);
      if (!ping || seedOf(ping) !== seed) return;
      unlink(ping);
      pings.delete(seed.imsi);
      cachedList = undefined;
    },
  };
}

function checkAge(maxAgeMs: number, activeMs: number): void {
  if (maxAgeMs <= activeMs) return;
  throw new SwobError(
    'INTERNAL',
    `requested seeds of up to ${maxAgeMs} ms, but they are active for ${activeMs} ms only`,
  );
}

export function isSameRegistration(a: Seed, b: Seed): boolean {
  return a.msisdn === b.msisdn && a.seedType === b.seedType;
}

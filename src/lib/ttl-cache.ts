// A cache with one time to live, bounded in entries and in weight. Used for sessions, password claims, refusals and users,
// and by the TTL stores.
//
// Not lru-cache (11.5) with `ttl`: it removes expired entries by a real timer for each of them (`ttlAutopurge`), in a walk over
// all (`purgeStale`) or not at all, and rejects a weight of 0. test/lib/ttl-cache.test.ts shows both.

import type { Clock } from '../domain/shared/ports.ts';

export interface TtlCache<V> {
  /** Undefined once the entry has expired. */
  get(key: string): V | undefined;
  /**
   * Adds the value with an age of `ageMs` milliseconds; calls must be in order of age, oldest first. Evicts the
   * oldest entries when there are too many or when they weigh too much.
   */
  set(key: string, value: V, ageMs?: number): void;
  delete(key: string): boolean;
  /** Entries that have not expired, oldest first. */
  values(): Iterable<V>;
  /** Includes a few entries that have expired. */
  readonly size: number;
}

interface Entry<V> {
  readonly value: V;
  readonly expiresAt: number;
}

/** Every call removes up to this many expired entries, so that they never accumulate. */
const purgedPerCall = 4;

/** A bound on the total weight of all entries, such as their characters. */
export interface WeightBound<V> {
  readonly max: number;
  of(value: V): number;
}

/**
 * Entries expire at an age of `ttlMs` by the monotonic clock. Every call is O(1) on average.
 * @param onEvict called for what there is no room for, not for what expires
 */
export function createTtlCache<V>(
  clock: Pick<Clock, 'monotonic'>,
  ttlMs: number,
  maxSize = Number.POSITIVE_INFINITY,
  weight?: WeightBound<V>,
  onEvict?: (value: V) => void,
): TtlCache<V> {
  // With a single time to live, insertion order is the order of expiry.
  const entries = new Map<string, Entry<V>>();
  // The iterator is kept: a new one would step over every entry deleted at the front since the map was last rehashed,
  // which dominates all other work for a full map of 100,000 entries.
  let cursor = entries.entries();
  let total = 0;
  let first: readonly [string, Entry<V>] | undefined;

  /** Everything before the cursor, except `first`, has been deleted, because entries are only added at the end. */
  const oldest = (): readonly [string, Entry<V>] | undefined => {
    while (!first || entries.get(first[0]) !== first[1]) {
      const next = cursor.next();
      first = next.done ? undefined : next.value;
      if (first) continue;
      cursor = entries.entries();
      return undefined;
    }
    return first;
  };

  const drop = (key: string): boolean => {
    const entry = weight && entries.get(key);
    if (entry) total -= weight.of(entry.value);
    return entries.delete(key);
  };
  const isFull = (): boolean => entries.size > maxSize || (weight !== undefined && total > weight.max);

  const purge = (now: number): void => {
    for (let left = purgedPerCall; left > 0 && entries.size > 0; left--) {
      const entry = oldest();
      if (!entry || entry[1].expiresAt > now) return;
      drop(entry[0]);
    }
  };

  return {
    get: (key) => {
      if (entries.size === 0) return undefined;
      const now = clock.monotonic();
      purge(now);
      const entry = entries.get(key);
      return entry && entry.expiresAt > now ? entry.value : undefined;
    },
    set: (key, value, ageMs = 0) => {
      const now = clock.monotonic();
      purge(now);
      drop(key);
      // V8 stores small integers without allocating.
      entries.set(key, { value, expiresAt: Math.ceil(now - ageMs + ttlMs) });
      if (weight) total += weight.of(value);
      for (let entry = isFull() ? oldest() : undefined; entry; entry = isFull() ? oldest() : undefined) {
        drop(entry[0]);
        onEvict?.(entry[1].value);
      }
    },
    delete: drop,
    *values() {
      const now = clock.monotonic();
      for (const { value, expiresAt } of entries.values()) if (expiresAt > now) yield value;
    },
    get size() {
      return entries.size;
    },
  };
}

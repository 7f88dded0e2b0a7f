// A map whose entries live for one fixed time, bounded in number and in what they weigh. Sessions, password claims
// and what the stores remember use it.

import type { Clock } from '../../domain/ports.ts';

export interface ExpiringMap<V> {
  /** The value, unless its time is over. */
  get(key: string): V | undefined;
  /**
   * Stores the value as of `ageMs` milliseconds ago, to be called in the order of age, the oldest first.
   * The oldest entries give way when there are too many, or when they weigh too much.
   */
  set(key: string, value: V, ageMs?: number): void;
  delete(key: string): boolean;
  /** Those whose time is not over, the oldest first. */
  values(): Iterable<V>;
  /** Entries in memory, a few of which may have expired. */
  readonly size: number;
}

interface Entry<V> {
  readonly value: V;
  readonly expiresAt: number;
}

/** Every `set` adds one entry and drops up to this many expired ones, so that they never pile up. */
const purgedPerCall = 4;

/** What all entries together may weigh, such as characters. */
export interface WeightBound<V> {
  readonly max: number;
  of(value: V): number;
}

/** An entry is gone once it is `ttlMs` milliseconds old by the monotonic clock. Every call is O(1) on average. */
export function createExpiringMap<V>(
  clock: Pick<Clock, 'monotonic'>,
  ttlMs: number,
  maxSize = Number.POSITIVE_INFINITY,
  weight?: WeightBound<V>,
): ExpiringMap<V> {
  // With one time to live for all, insertion order is the order of expiry.
  const entries = new Map<string, Entry<V>>();
  // A cursor that stays: a new one would step over all that was deleted at the front since the map was last
  // rehashed, which for a full map of 100,000 entries takes longer than everything else.
  let cursor = entries.entries();
  let total = 0;
  let first: readonly [string, Entry<V>] | undefined;

  /** Whatever the cursor has passed, but for `first`, is gone: entries are only added behind the last one. */
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
      entries.set(key, { value, expiresAt: now - ageMs + ttlMs });
      if (weight) total += weight.of(value);
      for (let entry = isFull() ? oldest() : undefined; entry; entry = isFull() ? oldest() : undefined) {
        drop(entry[0]);
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

// A cache with expiry that coalesces concurrent requests for one key. Used by user-directory.ts and
// rabbitmq-tenants.ts.

import type { Clock } from '../domain/shared/ports.ts';
import { createLruCache } from '../lib/lru-cache.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

/** The least recently used entries are evicted. */
const maxEntries = 10_000;
/** Requests in flight, each on a connection of its own. */
const maxInFlight = 256;

export interface CoalescingCacheOptions<T> {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Milliseconds for which this value is cached; 0 for not at all. */
  ttlMs(value: T): number;
  /** The value when too many requests are in flight, or throws; it is not cached. */
  onOverload(): T;
}

/**
 * The value of a key: synchronously from the cache, from a request in flight, or from `load`. Concurrent callers share a failure,
 * which is not cached.
 */
export interface CoalescingCache<T> {
  get(key: string, load: () => Promise<T>): MaybePromise<T>;
  /** Forgets the value; requests in progress serve those that already wait for them, and are not cached. */
  delete(key: string): void;
}

export function createCoalescingCache<T>({
  clock,
  ttlMs,
  onOverload,
}: CoalescingCacheOptions<T>): CoalescingCache<T> {
  // The expiry is stored with the value, because lru-cache never expires what was set at time 0 of the clock.
  const cache = createLruCache<{ readonly value: T; readonly until: number }>(maxEntries);
  /** Without those that began before the value was forgotten. */
  const inFlight = new Map<string, Promise<T>>();
  let running = 0;

  const fetch = async (load: () => Promise<T>, keep: (value: T) => void, done: () => void): Promise<T> => {
    running += 1;
    try {
      const value = await load();
      keep(value);
      return value;
    } finally {
      running -= 1;
      done();
    }
  };

  return {
    get: (key, load) => {
      const known = cache.get(key);
      if (known && clock.monotonic() < known.until) return known.value;
      const shared = inFlight.get(key);
      if (shared) return shared;
      if (running >= maxInFlight) return onOverload();
      const isCurrent = (): boolean => inFlight.get(key) === loading;
      const keep = (value: T): void => {
        const ms = ttlMs(value);
        if (ms > 0 && isCurrent()) cache.set(key, { value, until: clock.monotonic() + ms });
      };
      const loading = fetch(load, keep, () => {
        if (isCurrent()) inFlight.delete(key);
      });
      inFlight.set(key, loading);
      return loading;
    },
    delete: (key) => {
      cache.delete(key);
      inFlight.delete(key);
    },
  };
}

// A map whose entries live for one fixed time, bounded in number. Sessions and password claims use it.

import type { Clock } from '../../domain/ports.ts';

export interface ExpiringMap<V> {
  /** The value, unless its time is over. */
  get(key: string): V | undefined;
  /** Stores the value with its whole time before it; the oldest entry gives way when there are too many. */
  set(key: string, value: V): void;
  delete(key: string): boolean;
  /** Entries in memory, a few of which may have expired. */
  readonly size: number;
}

/** Every `set` adds one entry and drops up to this many expired ones, so that they never pile up. */
const purgedPerCall = 4;

/** An entry is gone once it is `ttlMs` milliseconds old by the monotonic clock. Every call is O(1). */
export function createExpiringMap<V>(
  clock: Pick<Clock, 'monotonic'>,
  ttlMs: number,
  maxSize = Number.POSITIVE_INFINITY,
): ExpiringMap<V> {
  // With one time to live for all, insertion order is the order of expiry.
  const entries = new Map<string, { readonly value: V; readonly expiresAt: number }>();

  const purge = (): void => {
    let left = purgedPerCall;
    for (const [key, { expiresAt }] of entries) {
      if (expiresAt > clock.monotonic() || left-- === 0) return;
      entries.delete(key);
    }
  };

  return {
    get: (key) => {
      purge();
      const entry = entries.get(key);
      return entry && entry.expiresAt > clock.monotonic() ? entry.value : undefined;
    },
    set: (key, value) => {
      purge();
      entries.delete(key);
      const [oldest] = entries.keys();
      if (entries.size >= maxSize && oldest !== undefined) entries.delete(oldest);
      entries.set(key, { value, expiresAt: clock.monotonic() + ttlMs });
    },
    delete: (key) => entries.delete(key),
    get size() {
      return entries.size;
    },
  };
}

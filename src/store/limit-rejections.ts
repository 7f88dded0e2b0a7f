// What a process remembers of the limits that another process or system counts: that it was refused a moment ago. Used by the
// Redis and remote stores.

import type { Clock } from '../domain/shared/ports.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';

export interface LimitRejections {
  /** The seconds to wait, 0 when unknown. */
  of(key: string): number;
  /** Records a result of the store, and returns it. */
  record(key: string, seconds: number): number;
  /** An event was refunded. */
  forget(key: string): void;
}

/** A longer time would ignore refunds by other processes. */
const rejectionTtlMs = 1_000;
const maxRejections = 10_000;

export function createLimitRejections(clock: Pick<Clock, 'monotonic'>): LimitRejections {
  const rejections = createTtlCache<number>(clock, rejectionTtlMs, maxRejections);
  return {
    of: (key) => rejections.get(key) ?? 0,
    record: (key, seconds) => {
      if (seconds > 0) rejections.set(key, seconds);
      return seconds;
    },
    forget: (key) => rejections.delete(key),
  };
}

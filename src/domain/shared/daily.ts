// A value that starts again at midnight UTC, such as the counts of today. Used by the statistics that operators see.

import type { Clock } from './ports.ts';

const dayMs = 86_400_000;

export interface Daily<T> {
  /** The value of today. */
  current(): T;
  /** Midnight UTC or the start of the process, whichever is later; Unix time in milliseconds. */
  since(): number;
}

export function createDaily<T>(clock: Pick<Clock, 'now'>, create: () => T): Daily<T> {
  const startedAt = clock.now();
  let midnight = midnightBefore(startedAt);
  let value = create();
  const startAnew = (): void => {
    const latest = midnightBefore(clock.now());
    if (latest === midnight) return;
    midnight = latest;
    value = create();
  };
  return {
    current: () => {
      startAnew();
      return value;
    },
    since: () => {
      startAnew();
      return Math.max(startedAt, midnight);
    },
  };
}

/** The last midnight UTC, as Unix time in milliseconds. */
export function midnightBefore(now: number): number {
  return Math.floor(now / dayMs) * dayMs;
}

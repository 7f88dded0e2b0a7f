// Turns totals and states of this process into one sample a second. Used by the monitor.

import type { Clock } from '../shared/ports.ts';
import { type SeriesName, type SeriesValues, seriesNames, seriesTable } from './series.ts';

/** Counters since the start of the process, and gauges; what this process does not have is left out. */
export type Totals = Readonly<Partial<Record<SeriesName, number>>>;

/** Counts of the outbox; asking a shared store costs a round trip. */
export type OutboxCounts = () => Promise<{ readonly waiting: number; readonly deadLetters: number }>;

/** A count of the outbox that is older is no longer shown. */
const countTtlMs = 5_000;

export interface Sampler {
  /** What has happened since the last sample. @param loopDelayMs how late the caller's timer fired */
  sample(loopDelayMs: number): SeriesValues;
}

export function createSampler(options: {
  readonly totals: () => Totals;
  /** Undefined in a process that delivers no messages. */
  readonly outbox: OutboxCounts | undefined;
  /** Milliseconds between two counts of the outbox. */
  readonly countEveryMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}): Sampler {
  const { totals, outbox, countEveryMs, clock } = options;
  let last: Totals = totals();
  let counted: { readonly waiting: number; readonly deadLetters: number; readonly at: number } | undefined;
  let startedAt = Number.NEGATIVE_INFINITY;
  let isCounting = false;

  const countOutbox = (): void => {
    const now = clock.monotonic();
    // Late by less than a tick still counts as in time.
    if (!outbox || isCounting || now - startedAt < countEveryMs - 100) return;
    isCounting = true;
    startedAt = now;
    outbox()
      .then(
        ({ waiting, deadLetters }) => {
          counted = { waiting, deadLetters, at: clock.monotonic() };
        },
        // Health shows that the store fails; the plot has a gap.
        () => undefined,
      )
      .finally(() => {
        isCounting = false;
      });
  };

  return {
    sample: (loopDelayMs) => {
      const current = totals();
      const values: Partial<Record<SeriesName, number>> = { loop_delay: Math.round(loopDelayMs * 1_000) };
      for (const name of seriesNames) {
        const value = current[name];
        if (value === undefined) continue;
        values[name] =
          seriesTable[name].kind === 'count' ? Math.max(0, value - (last[name] ?? 0)) : Math.round(value);
      }
      last = current;
      if (counted && clock.monotonic() - counted.at <= countTtlMs) {
        values.waiting = counted.waiting;
        values.dead_letters = counted.deadLetters;
      }
      countOutbox();
      return values;
    },
  };
}

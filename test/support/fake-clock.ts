// A clock that tests advance: wall time and monotonic time separately, timers in due order.

import type { Clock } from '../../src/domain/shared/ports.ts';

export interface FakeClock extends Clock {
  /** Advances both times and runs the timers that become due, each at its time. */
  advance(ms: number): void;
  /** Sets wall time alone, as an operator or NTP does; timers are unaffected. */
  setWall(ms: number): void;
  /** Timers that are waiting. */
  readonly pending: number;
  /** Those of them that fire once. */
  readonly pendingTimeouts: number;
}

export function createFakeClock(start = 1_648_206_122_814): FakeClock {
  let wall = start;
  let steady = 0;
  let nextId = 0;
  const timers = new Map<number, { due: number; fn: () => void; period?: number }>();

  const add = (ms: number, fn: () => void, period?: number): (() => void) => {
    const id = nextId++;
    timers.set(id, { due: steady + ms, fn, ...(period !== undefined && { period }) });
    return () => timers.delete(id);
  };
  const nextDue = (until: number) =>
    [...timers].filter(([, timer]) => timer.due <= until).sort(([a, x], [b, y]) => x.due - y.due || a - b)[0];

  return {
    now: () => wall,
    monotonic: () => steady,
    after: (ms, fn) => add(ms, fn),
    every: (ms, fn) => add(ms, fn, ms),
    setWall: (ms) => {
      wall = ms;
    },
    advance: (ms) => {
      const until = steady + ms;
      for (let next = nextDue(until); next; next = nextDue(until)) {
        const [id, timer] = next;
        wall += timer.due - steady;
        steady = timer.due;
        if (timer.period === undefined) timers.delete(id);
        else timer.due += timer.period;
        timer.fn();
      }
      wall += until - steady;
      steady = until;
    },
    get pending() {
      return timers.size;
    },
    get pendingTimeouts() {
      return [...timers.values()].filter(({ period }) => period === undefined).length;
    },
  };
}

// A clock that tests advance: wall time and monotonic time separately, timers in due order.

import type { Clock } from '../../src/domain/shared/ports.ts';

export interface FakeClock extends Clock {
  /** Advances both times and runs the timers that become due, each at its time. */
  advance(ms: number): void;
  /**
   * Advances as after a suspension of the process: each timer that became due runs once, at the end. What samples every
   * second takes long to `advance` by a day.
   */
  leap(ms: number): void;
  /** Sets wall time alone, as an operator or NTP does; timers are unaffected. */
  setWall(ms: number): void;
  /** Timers that are waiting. */
  readonly pending: number;
  /** Those of them that fire once. */
  readonly pendingTimeouts: number;
}

interface Timer {
  due: number;
  readonly fn: () => void;
  readonly period?: number;
}

export function createFakeClock(start = 1_648_206_122_814): FakeClock {
  let wall = start;
  let steady = 0;
  let nextId = 0;
  const timers = new Map<number, Timer>();

  const add = (ms: number, fn: () => void, period?: number): (() => void) => {
    const id = nextId++;
    timers.set(id, { due: steady + ms, fn, ...(period !== undefined && { period }) });
    return () => timers.delete(id);
  };
  /** The first in the order of times, then of creation, in which a map lists them. */
  const nextDue = (until: number) => {
    let next: readonly [number, Timer] | undefined;
    for (const each of timers) {
      const { due } = each[1];
      if (due <= until && (!next || due < next[1].due)) next = each;
    }
    return next;
  };
  const moveTo = (time: number): void => {
    wall += time - steady;
    steady = time;
  };

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
        moveTo(timer.due);
        if (timer.period === undefined) timers.delete(id);
        else timer.due += timer.period;
        timer.fn();
      }
      moveTo(until);
    },
    leap: (ms) => {
      moveTo(steady + ms);
      const due = [...timers]
        .filter(([, timer]) => timer.due <= steady)
        .sort(([, a], [, b]) => a.due - b.due);
      for (const [id, timer] of due) {
        // An earlier one may have cancelled it.
        if (!timers.has(id)) continue;
        if (timer.period === undefined) timers.delete(id);
        else timer.due = steady + timer.period;
        timer.fn();
      }
    },
    get pending() {
      return timers.size;
    },
    get pendingTimeouts() {
      return [...timers.values()].filter(({ period }) => period === undefined).length;
    },
  };
}

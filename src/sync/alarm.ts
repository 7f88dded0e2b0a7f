// Rings for many sockets, each a fixed time after it was set, with one timer for all of them. Used by connection.ts: a
// timer for each of ten thousand sockets, with its closures, costs more memory than all else that a socket needs here.

import type { Clock } from '../domain/ports.ts';

/** What an alarm is set for: in one alarm at a time. The fields are the alarm's own. */
export interface Sleeper<T> {
  earlier: T | undefined;
  later: T | undefined;
  /** Milliseconds of the monotonic clock; 0 while no alarm is set. */
  dueAt: number;
}

export interface Alarm<T> {
  /** To be called for a sleeper that is in no alarm. */
  set(sleeper: T): void;
  /** Nothing where it is not set. */
  cancel(sleeper: T): void;
}

/** All wait equally long, so the order of setting is the order of ringing, and a list is all that it takes. */
export function createAlarm<T extends Sleeper<T>>(
  clock: Clock,
  ms: number,
  ring: (sleeper: T) => void,
): Alarm<T> {
  let first: T | undefined;
  let last: T | undefined;
  let cancelTimer: (() => void) | undefined;

  const cancel = (sleeper: T): void => {
    if (sleeper.dueAt === 0) return;
    const { earlier, later } = sleeper;
    if (earlier) earlier.later = later;
    else first = later;
    if (later) later.earlier = earlier;
    else last = earlier;
    sleeper.earlier = undefined;
    sleeper.later = undefined;
    sleeper.dueAt = 0;
    if (first) return;
    cancelTimer?.();
    cancelTimer = undefined;
  };

  const ringAll = (): void => {
    cancelTimer = undefined;
    const now = clock.monotonic();
    // Those that are set meanwhile are due later: it ends.
    while (first && first.dueAt <= now) {
      const sleeper = first;
      cancel(sleeper);
      ring(sleeper);
    }
    if (first) cancelTimer ??= clock.after(Math.max(0, first.dueAt - clock.monotonic()), ringAll);
  };

  return {
    set: (sleeper) => {
      // Whole numbers take no memory of their own.
      sleeper.dueAt = Math.ceil(clock.monotonic()) + ms;
      sleeper.earlier = last;
      if (last) last.later = sleeper;
      last = sleeper;
      if (first) return;
      first = sleeper;
      cancelTimer = clock.after(ms, ringAll);
    },
    cancel,
  };
}

// Timers of one fixed delay for many entries, with one timer of the runtime. Used by sync-socket.ts: a timer with its closures
// for each of ten thousand sockets takes more memory than all else that a socket needs here.

import type { Clock } from '../domain/shared/ports.ts';

/** An entry that is in one queue at a time. Only the queue writes the fields. */
export interface TimerEntry<T> {
  previous: T | undefined;
  next: T | undefined;
  /** Milliseconds of the monotonic clock; 0 when the entry is in no queue. */
  dueAt: number;
}

export interface TimerQueue<T> {
  /** To be called for an entry that is in no queue. */
  schedule(entry: T): void;
  /** Does nothing for an entry that is not scheduled. */
  cancel(entry: T): void;
}

/** All delays are equal, so entries come due in the order of scheduling, and a linked list suffices. */
export function createTimerQueue<T extends TimerEntry<T>>(
  clock: Clock,
  delayMs: number,
  onDue: (entry: T) => void,
): TimerQueue<T> {
  let first: T | undefined;
  let last: T | undefined;
  let cancelTimer: (() => void) | undefined;

  const cancel = (entry: T): void => {
    if (entry.dueAt === 0) return;
    const { previous, next } = entry;
    if (previous) previous.next = next;
    else first = next;
    if (next) next.previous = previous;
    else last = previous;
    entry.previous = undefined;
    entry.next = undefined;
    entry.dueAt = 0;
    if (first) return;
    cancelTimer?.();
    cancelTimer = undefined;
  };

  const runDue = (): void => {
    cancelTimer = undefined;
    const now = clock.monotonic();
    // Ends: entries that `onDue` schedules come due later than now.
    while (first && first.dueAt <= now) {
      const entry = first;
      cancel(entry);
      onDue(entry);
    }
    if (first) cancelTimer ??= clock.after(Math.max(0, first.dueAt - clock.monotonic()), runDue);
  };

  return {
    schedule: (entry) => {
      // V8 stores small integers without allocating.
      entry.dueAt = Math.ceil(clock.monotonic()) + delayMs;
      entry.previous = last;
      if (last) last.next = entry;
      last = entry;
      if (first) return;
      first = entry;
      cancelTimer = clock.after(delayMs, runDue);
    },
    cancel,
  };
}

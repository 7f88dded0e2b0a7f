// The time budget of a stop: whatever closes gets a deadline, waits no longer, and interrupts what is left. Used by the
// lifecycle and by everything that it closes.

import type { Clock } from '../domain/shared/ports.ts';

export interface Deadline {
  /** Never negative. */
  remainingMs(): number;
  /** An earlier deadline, which leaves `ms` of the time for what closes afterwards. */
  reserve(ms: number): Deadline;
  /** This deadline, or one in `ms` if that is earlier. */
  atMost(ms: number): Deadline;
  /** Waits for the promise until the deadline. @returns whether it settled in time; never rejects */
  settles(work: Promise<unknown>): Promise<boolean>;
}

/** Monotonic: setting the wall clock neither shortens nor prolongs a stop. */
export function createDeadline(clock: Pick<Clock, 'monotonic' | 'after'>, ms: number): Deadline {
  return deadlineAt(clock, clock.monotonic() + ms);
}

function deadlineAt(clock: Pick<Clock, 'monotonic' | 'after'>, at: number): Deadline {
  const remainingMs = (): number => Math.max(0, at - clock.monotonic());
  return {
    remainingMs,
    reserve: (ms) => deadlineAt(clock, at - ms),
    atMost: (ms) => deadlineAt(clock, Math.min(at, clock.monotonic() + ms)),
    settles: (work) => raceTimer(work, (expire) => clock.after(remainingMs(), expire)),
  };
}

/** Has passed already: nothing that runs is waited for. */
export const noTimeLeft: Deadline = {
  remainingMs: () => 0,
  reserve: () => noTimeLeft,
  atMost: () => noTimeLeft,
  // After the callbacks of promises that have settled already.
  settles: (work) =>
    raceTimer(work, (expire) => {
      setImmediate(expire);
      return () => {};
    }),
};

async function raceTimer(
  work: Promise<unknown>,
  startTimer: (expire: () => void) => () => void,
): Promise<boolean> {
  let cancel = (): void => {};
  const expired = new Promise<false>((resolve) => {
    cancel = startTimer(() => resolve(false));
  });
  const settled = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, expired]);
  } finally {
    cancel();
  }
}

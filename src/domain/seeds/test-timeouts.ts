// Reports tests of this process that have timed out, so that they are counted. Used by reliability.ts.

import type { Clock } from '../shared/ports.ts';

export interface TestTimeouts {
  /** Calls the listener with this id when it has timed out; to be called in the order of the starts. */
  add(id: number): void;
  /** Reports no more. */
  stop(): void;
}

/** Later tests are not reported while so many run. */
const maxRunning = 10_000;

/** A single timer, for the oldest test. */
export function createTestTimeouts(
  clock: Clock,
  timeoutMs: number,
  onTimeout: (id: number) => Promise<void>,
): TestTimeouts {
  const running: { readonly id: number; readonly endsAt: number }[] = [];
  let cancelTimer = (): void => {};
  const schedule = (): void => {
    const [oldest] = running;
    if (!oldest) return;
    cancelTimer = clock.after(Math.max(0, oldest.endsAt - clock.monotonic()), () => {
      running.shift();
      // A store that is unavailable now costs a count only.
      onTimeout(oldest.id).catch(() => {});
      schedule();
    });
  };
  return {
    add: (id) => {
      if (running.length >= maxRunning) return;
      // A millisecond later the test has timed out by any clock.
      running.push({ id, endsAt: clock.monotonic() + timeoutMs + 1 });
      if (running.length === 1) schedule();
    },
    stop: () => {
      running.length = 0;
      cancelTimer();
    },
  };
}

// The real clock.

import type { Clock } from '../domain/shared/ports.ts';

/** Node runs the callbacks of longer timers immediately. */
const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fn) => {
    if (ms > maxTimerMs) return afterLong(ms, fn);
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  every: (ms, fn) => {
    const timer = setInterval(fn, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

function afterLong(ms: number, fn: () => void): () => void {
  let cancel = systemClock.after(maxTimerMs, () => {
    cancel = systemClock.after(ms - maxTimerMs, fn);
  });
  return () => cancel();
}

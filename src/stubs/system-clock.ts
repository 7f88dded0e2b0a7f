// The system's clock, the default of the stubs.

import type { Clock } from '../domain/shared/ports.ts';

export const systemClock: Pick<Clock, 'now' | 'after' | 'every'> = {
  now: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  every: (ms, fn) => {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};

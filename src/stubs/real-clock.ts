// The clock of a stand-in to which none is given.

import type { Clock } from '../domain/ports.ts';

export const realClock: Pick<Clock, 'now' | 'after' | 'every'> = {
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

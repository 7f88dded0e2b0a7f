// The real clock.

import type { Clock } from '../domain/ports.ts';
import { outsideRequests } from '../http/request-id.ts';

/** What a timer does later, it does for nobody's request: lines about it must not carry the id of one. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, fn) => {
    const timer = outsideRequests(() => setTimeout(fn, ms));
    return () => clearTimeout(timer);
  },
  every: (ms, fn) => {
    const timer = outsideRequests(() => setInterval(fn, ms));
    timer.unref();
    return () => clearInterval(timer);
  },
};

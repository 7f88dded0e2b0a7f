// Deadlines by which a client that submits an SMS gets a response, whether or not the Publisher has responded. Used by
// first-attempts.ts.

import type { Clock } from '../shared/ports.ts';

export interface ResponseDeadlines {
  /** @returns cancels it: `onExpired`, which is called once at most, is not called any more */
  start(onExpired: () => void): () => void;
  /** Expires all pending deadlines now, because the service is stopping. */
  expireAll(): void;
}

export function createResponseDeadlines(clock: Pick<Clock, 'after'>, withinMs: number): ResponseDeadlines {
  const pending = new Set<() => void>();
  return {
    start: (onExpired) => {
      const cancel = (): void => {
        cancelTimer();
        pending.delete(expire);
      };
      const expire = (): void => {
        cancel();
        onExpired();
      };
      const cancelTimer = clock.after(withinMs, expire);
      pending.add(expire);
      return cancel;
    },
    expireAll: () => {
      for (const expire of pending) expire();
    },
  };
}

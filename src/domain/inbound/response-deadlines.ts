// Deadlines by which a client that submits an SMS gets a response, whether or not the Publisher has responded. Used by
// publishing.ts.

import type { Clock } from '../shared/ports.ts';

interface ResponseDeadline {
  /** Resolves when the deadline expires; never after `cancel`. */
  readonly expired: Promise<void>;
  cancel(): void;
}

export interface ResponseDeadlines {
  start(): ResponseDeadline;
  /** Expires all pending deadlines now, because the service is stopping. */
  expireAll(): void;
}

export function createResponseDeadlines(clock: Pick<Clock, 'after'>, withinMs: number): ResponseDeadlines {
  const pending = new Set<() => void>();
  return {
    start: () => {
      const { promise: expired, resolve } = withResolver();
      const cancelTimer = clock.after(withinMs, resolve);
      pending.add(resolve);
      return {
        expired,
        cancel: () => {
          cancelTimer();
          pending.delete(resolve);
        },
      };
    },
    expireAll: () => {
      for (const pass of pending) pass();
    },
  };
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

// A clock that logs what a timer's callback throws, so that it does not end the process. Used by `swob serve`.

import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';

export function createErrorLoggingClock(clock: Clock, log: Log): Clock {
  const logError = (error: unknown): void => log.error({ error: messageOf(error) }, 'a timer failed');
  const logErrors =
    (fn: () => unknown): (() => void) =>
    () => {
      try {
        const result = fn();
        if (result instanceof Promise) result.catch(logError);
      } catch (error) {
        logError(error);
      }
    };
  return {
    ...clock,
    after: (ms, fn) => clock.after(ms, logErrors(fn)),
    every: (ms, fn) => clock.every(ms, logErrors(fn)),
  };
}

// A delay on the injected clock that a signal can abort.

import type { Clock } from '../domain/shared/ports.ts';

/** Resolves after `ms` milliseconds; rejects with the reason of the signal if it aborts first. */
export function delay(clock: Pick<Clock, 'after'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

// Waiting in client commands: by the injected clock, ended early by the command's signal.

import type { Clock } from '../domain/ports.ts';

/** Resolves after `ms` milliseconds; rejects with the signal's reason when that comes first. */
export function wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
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

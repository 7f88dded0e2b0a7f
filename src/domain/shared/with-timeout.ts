// Waiting with a time limit.

import type { Clock } from './ports.ts';

/** Resolves when `work` does, or after `ms` milliseconds. `work` must not reject. */
export function withTimeout(clock: Pick<Clock, 'after'>, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    const end = (): void => {
      cancel();
      resolve();
    };
    work.then(end, end);
  });
}

// Waits that have an end. Used wherever something is given up on.

import type { Clock } from './ports.ts';

/** Resolves when `work` is done, or after `ms` milliseconds. `work` never rejects. */
export async function within(clock: Pick<Clock, 'after'>, ms: number, work: Promise<unknown>): Promise<void> {
  let cancel = (): void => undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve);
    }),
  ]);
  cancel();
}

// Waiting with a time limit.

import type { Clock } from './ports.ts';

/** Resolves when `work` does, or after `ms` milliseconds. `work` must not reject. */
export async function withTimeout(
  clock: Pick<Clock, 'after'>,
  ms: number,
  work: Promise<unknown>,
): Promise<void> {
  let cancel = (): void => undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve);
    }),
  ]);
  cancel();
}

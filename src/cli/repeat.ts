// Repeats work at an interval. Used by `seeds list --watch` and `seeds ping --every`.

import { messageOf, SwobError } from '../errors.ts';
import { delay } from '../lib/delay.ts';
import type { Context } from './context.ts';
import { transientErrors } from './transient-errors.ts';

/**
 * Runs `work`, pausing `ms` milliseconds in between. Prints transient errors to stderr and continues; rejects with any
 * other error and with the reason of the signal.
 */
export async function repeatUntilAborted(
  { io, printer }: Context,
  ms: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<never> {
  for (;;) {
    await work().catch((error: unknown) => {
      if (!(error instanceof SwobError && transientErrors.has(error.code))) throw error;
      printer.warn(messageOf(error));
    });
    await delay(io.clock, ms, signal);
  }
}

// Doing the same over and over. Used by `seeds list --watch` and `seeds ping --every`.

import { messageOf, SwobError } from '../errors.ts';
import type { Context } from './context.ts';
import { wait } from './wait.ts';

/** Failures that the next time may not meet again. */
const transient = new Set(['UNREACHABLE', 'UNAVAILABLE', 'UPSTREAM', 'LIMITED']);

/**
 * Does `work` every so many milliseconds. A failure that may pass is said on stderr; any other one ends it,
 * and so does the signal: it always rejects.
 */
export async function overAndOver(
  { io, printer }: Context,
  ms: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<never> {
  for (;;) {
    await work().catch((error: unknown) => {
      if (!(error instanceof SwobError && transient.has(error.code))) throw error;
      printer.warn(messageOf(error));
    });
    await wait(io.clock, ms, signal);
  }
}

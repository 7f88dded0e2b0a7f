// Repeats work at an interval, and reports the transient errors of repeated work. Used by `seeds list --watch`, `seeds ping --every`
// and `seeds test --wait`.

import { messageOf, SwobError } from '../errors.ts';
import { delay } from '../lib/delay.ts';
import type { Context } from './context.ts';
import { transientErrors } from './transient-errors.ts';

/** How often an error that persists is printed. */
const persistentErrorMs = 60_000;

export interface TransientErrors {
  /** Prints a transient error, unless it has just been printed; throws any other error. */
  failed(error: unknown): void;
  succeeded(): void;
}

export function createTransientErrors({ io, printer }: Context): TransientErrors {
  let last: { readonly reason: string; readonly at: number } | undefined;
  return {
    failed: (error) => {
      if (!(error instanceof SwobError && transientErrors.has(error.code))) throw error;
      const message = messageOf(error);
      // A rate limit names another time in each response.
      const reason = message.replace(/ in \d+ s/, '');
      const at = io.clock.monotonic();
      if (reason === last?.reason && at - last.at < persistentErrorMs) return;
      last = { reason, at };
      printer.warn(message);
    },
    succeeded: () => {
      last = undefined;
    },
  };
}

/**
 * Runs `work`, pausing `ms` milliseconds in between. Prints transient errors to stderr and continues; rejects with any
 * other error and with the reason of the signal.
 */
export async function repeatUntilAborted(
  context: Context,
  ms: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<never> {
  const errors = createTransientErrors(context);
  for (;;) {
    await work().then(errors.succeeded, errors.failed);
    await delay(context.io.clock, ms, signal);
  }
}

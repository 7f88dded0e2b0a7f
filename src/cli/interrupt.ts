// What ends a client command from outside: signals (the first one aborts what is under way, a second
// one kills as usual) and a stdout that cannot be written. Used by context.ts and main.ts.

import { messageOf, SwobError } from '../errors.ts';
import type { Io } from './io.ts';

const exits = { SIGINT: 130, SIGTERM: 143 } as const;

/** A signal ended the command. */
export class Interrupted extends Error {
  readonly exit: number;

  constructor(signal: keyof typeof exits) {
    super(`ended by ${signal}`);
    this.name = 'Interrupted';
    this.exit = exits[signal];
  }
}

/** Nobody reads stdout any more (`swob … | head -1`): the command ends quietly. */
export class OutputClosed extends Error {}

/** What an error event of stdout means. */
export function outputFault(error: unknown): OutputClosed | SwobError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  return new SwobError('UNAVAILABLE', `cannot write the output: ${messageOf(error)}`, { cause: error });
}

/**
 * Runs `work` with a signal that aborts on SIGINT, on SIGTERM and when stdout fails.
 * Throws the reason when that ended it, whatever `work` made of the abort.
 */
export async function interruptible<T>(io: Io, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = (): void => controller.abort(new Interrupted('SIGINT'));
  const onTerminate = (): void => controller.abort(new Interrupted('SIGTERM'));
  const onOutputError = (error: unknown): void => controller.abort(outputFault(error));
  io.signals.once('SIGINT', onInterrupt);
  io.signals.once('SIGTERM', onTerminate);
  io.stdout.once('error', onOutputError);
  try {
    const result = await work(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    io.signals.removeListener('SIGINT', onInterrupt);
    io.signals.removeListener('SIGTERM', onTerminate);
    io.stdout.removeListener('error', onOutputError);
  }
}

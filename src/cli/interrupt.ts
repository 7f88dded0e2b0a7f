// Ends a client command on a signal (the first one aborts, a second one kills the process) and when stdout can no longer
// be written. Used by context.ts and run.ts.

import { signalRepeatMs } from '../app/repeated-signal.ts';
import { messageOf, SwobError } from '../errors.ts';
import type { Io } from './io.ts';

/** SIGHUP is that of a closed terminal. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof exitCodes;
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const satisfies readonly Signal[];

/** Ends the command with an exit code and without a message. */
export class SilentExit extends Error {
  readonly exitCode: number;

  constructor(reason: string, exitCode: number) {
    super(reason);
    this.exitCode = exitCode;
  }
}

/** A signal ended the command. */
export class Interrupted extends SilentExit {
  constructor(signal: Signal) {
    super(`ended by ${signal}`, exitCodes[signal]);
    this.name = 'Interrupted';
  }
}

/** The reader of stdout is gone (`swob … | head -1`): the command ends silently. */
export class OutputClosed extends Error {}

/** The error that an `error` event of stdout stands for. */
export function toOutputError(error: unknown): OutputClosed | SwobError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new OutputClosed();
  return new SwobError('UNAVAILABLE', `cannot write the output: ${messageOf(error)}`, { cause: error });
}

/**
 * Runs `work` with a signal that aborts on SIGINT, SIGTERM and SIGHUP, and when stdout fails.
 * Once aborted, it throws the reason of the signal, whatever `work` returns or throws.
 */
export async function interruptible<T>(io: Io, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const listeners = endingSignals.map((signal) => {
    const onSignal = (): void => {
      controller.abort(new Interrupted(signal));
      ignoreRepeats(io, signal);
    };
    return { signal, onSignal };
  });
  const onOutputError = (error: unknown): void => controller.abort(toOutputError(error));
  for (const { signal, onSignal } of listeners) io.signals.once(signal, onSignal);
  io.stdout.once('error', onOutputError);
  const stopWatching = io.watchStdout?.(() => controller.abort(new OutputClosed()));
  try {
    const result = await work(controller.signal);
    controller.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    stopWatching?.();
    for (const { signal, onSignal } of listeners) io.signals.removeListener(signal, onSignal);
    io.stdout.removeListener('error', onOutputError);
  }
}

/** Without a listener, the repeated signal that npm sends would kill the process before it has cleaned up. */
function ignoreRepeats({ signals, clock }: Io, signal: Signal): void {
  const ignore = (): void => {};
  signals.on(signal, ignore);
  const stop = clock.every(signalRepeatMs, () => {
    signals.removeListener(signal, ignore);
    stop();
  });
}

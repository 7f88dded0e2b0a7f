// Writes files some time after their data has changed, one write at a time, and retries while that fails. Used for the LPS
// and the users of the lowdb store.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { SwobError } from '../../errors.ts';
import { diskError } from '../disk-error.ts';

export interface Flusher {
  /** Requests a write. */
  mark(): void;
  /** Writes pending changes without the delay; resolves once that has succeeded or failed. */
  flush(): Promise<void>;
  /** The error of the last write, until one succeeds. */
  readonly failure: SwobError | undefined;
  /** Writes pending changes. Throws when that fails. */
  close(): Promise<void>;
}

export interface FlusherOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly folder: string;
  /** From the first change to the write. */
  readonly delayMs: number;
  /** From a failed write to the next one; doubled for each failure up to the maximum. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** Logged at the first of several failures: what they mean. */
  readonly failureMessage: string;
  readonly write: () => Promise<void>;
}

/** A timer runs only while a write is pending. */
export function createFlusher(options: FlusherOptions): Flusher {
  const { clock, log, folder, delayMs, maxRetryMs, write } = options;
  let dirty = false;
  let closed = false;
  let failure: SwobError | undefined;
  let retryMs = options.retryMs;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    dirty = false;
    try {
      await write();
      if (failure) log.info({ folder }, 'the store is writable again');
      failure = undefined;
      retryMs = options.retryMs;
    } catch (error) {
      dirty = true;
      const reason = diskError(`cannot write the store ${folder}`, error);
      if (!failure) log.error({ folder, reason: reason.message }, options.failureMessage);
      else retryMs = Math.min(2 * retryMs, maxRetryMs);
      failure = reason;
    }
  };

  const start = (): Promise<void> => {
    cancelTimer?.();
    cancelTimer = undefined;
    running ??= run().finally(() => {
      running = undefined;
      if (dirty) schedule();
    });
    return running;
  };

  const schedule = (): void => {
    if (closed || cancelTimer || running) return;
    cancelTimer = clock.after(failure ? retryMs : delayMs, () => void start());
  };

  return {
    mark: () => {
      dirty = true;
      schedule();
    },
    flush: async () => {
      // What changed during a write may not be part of it.
      await running;
      if (!closed && (dirty || running)) await start();
    },
    get failure() {
      return failure;
    },
    close: async () => {
      closed = true;
      cancelTimer?.();
      await running;
      // A caller of `flush` may have started the next write.
      if (dirty || running) await start();
      if (failure) throw failure;
    },
  };
}

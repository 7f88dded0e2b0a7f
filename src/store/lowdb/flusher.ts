// Writes a file shortly after its data has changed, one write at a time, and retries while that fails. Used for the
// LPS of the lowdb store.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import type { SwobError } from '../../errors.ts';
import { diskError } from '../disk-error.ts';

export interface Flusher {
  /** Requests a write. */
  mark(): void;
  /** The error of the last write, until one succeeds. */
  readonly failure: SwobError | undefined;
  /** Writes pending changes. Throws when that fails. */
  close(): Promise<void>;
}

/** An LPS may be in memory only for one second: half of it is for the delay, the other half for the write. */
const delayMs = 500;
const retryMs = 1_000;

/** A timer runs only while a write is pending. */
export function createFlusher(clock: Clock, log: Log, folder: string, write: () => Promise<void>): Flusher {
  let dirty = false;
  let closed = false;
  let failure: SwobError | undefined;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;

  const flush = async (): Promise<void> => {
    dirty = false;
    try {
      await write();
      if (failure) log.info({ folder }, 'the store is writable again');
      failure = undefined;
    } catch (error) {
      dirty = true;
      const reason = diskError(`cannot write the store ${folder}`, error);
      if (!failure)
        log.error(
          { folder, reason: reason.message },
          'the store is not writable; pings are rejected until it is',
        );
      failure = reason;
    }
  };

  const schedule = (): void => {
    if (closed || cancelTimer || running) return;
    cancelTimer = clock.after(failure ? retryMs : delayMs, () => {
      cancelTimer = undefined;
      running = flush().finally(() => {
        running = undefined;
        if (dirty) schedule();
      });
    });
  };

  return {
    mark: () => {
      dirty = true;
      schedule();
    },
    get failure() {
      return failure;
    },
    close: async () => {
      closed = true;
      cancelTimer?.();
      await running;
      if (dirty) await flush();
      if (failure) throw failure;
    },
  };
}

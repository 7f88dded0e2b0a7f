// Writes a file soon after its data has changed, never twice at once, and again while that fails.
// The lowdb store's LPS are flushed by it.

import type { Clock, Log } from '../../domain/ports.ts';
import type { SwobError } from '../../errors.ts';
import { diskError } from '../disk-error.ts';

export interface Flusher {
  /** Says that there is something to write. */
  mark(): void;
  /** Why the last write failed, until one succeeds. */
  readonly failure: SwobError | undefined;
  /** Writes what is left; throws when that fails. */
  close(): Promise<void>;
}

/** Half of the second that a ping's LPS may be in memory only; the other half is for the write. */
const delayMs = 500;
const retryMs = 1_000;

/** A timer runs only while there is something to write. */
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
      if (failure) log.info({ folder }, 'the store can be written again');
      failure = undefined;
    } catch (error) {
      dirty = true;
      const reason = diskError(`cannot write the store ${folder}`, error);
      if (!failure)
        log.error({ folder, reason: reason.message }, 'pings are refused until it can be written');
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

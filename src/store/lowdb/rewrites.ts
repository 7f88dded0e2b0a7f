// Writes again what a disk did not take, such as a full one, as soon as it does: the event that it records has happened. Used by
// ttl-store.ts and indexed-ttl-store.ts.

import type { Clock } from '../../domain/shared/ports.ts';

export interface Rewrites {
  /**
   * Makes a write, and repeats one that has failed until it succeeds or is not needed any longer. Settles as the first attempt
   * does.
   */
  run(write: () => Promise<void>, isNeeded: () => boolean): Promise<void>;
  /** Makes a last attempt. */
  close(): Promise<void>;
}

interface FailedWrite {
  readonly write: () => Promise<void>;
  readonly isNeeded: () => boolean;
}

const retryMs = 5_000;
/** Less than the lines that may wait for a write. */
const maxTogether = 1_000;

export function createRewrites(clock: Pick<Clock, 'every'>): Rewrites {
  const failed = new Set<FailedWrite>();
  let stopRetrying: (() => void) | undefined;
  let retrying: Promise<void> | undefined;
  let closed = false;

  const retryOne = async (each: FailedWrite): Promise<void> => {
    // The next attempt follows.
    await each.write().then(
      () => failed.delete(each),
      () => {},
    );
  };
  const retryAll = async (): Promise<void> => {
    for (const each of failed) if (!each.isNeeded()) failed.delete(each);
    for (let before = Number.POSITIVE_INFINITY; failed.size > 0 && failed.size < before; ) {
      before = failed.size;
      await Promise.all([...failed].slice(0, maxTogether).map(retryOne));
    }
    if (failed.size === 0) endRetrying();
  };
  const retry = (): Promise<void> => {
    retrying ??= retryAll().finally(() => {
      retrying = undefined;
    });
    return retrying;
  };
  const endRetrying = (): void => {
    stopRetrying?.();
    stopRetrying = undefined;
  };

  return {
    run: async (write, isNeeded) => {
      try {
        await write();
      } catch (error) {
        failed.add({ write, isNeeded });
        if (!closed) stopRetrying ??= clock.every(retryMs, () => void retry());
        throw error;
      }
    },
    close: async () => {
      closed = true;
      endRetrying();
      await retrying;
      await retry();
    },
  };
}

// Reloads files when they change, without a restart: an unusable version is logged, and the last good one stays in use.
// Used by tls.ts, verification-key-watcher.ts and nas-secret-watcher.ts.

import { open } from 'node:fs/promises';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';

export interface FileWatchOptions {
  /** In log messages: `verification key`. */
  readonly label: string;
  /** Log fields that say which one. */
  readonly fields: object;
  /**
   * Reads the files. @returns whether their content has changed. Never runs concurrently with itself; its first error is
   * thrown by `watchFiles`, later ones are logged.
   */
  readonly load: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Polled, because a watch of the file system reports nothing on network file systems, and not every replaced link. Reading
 * the files takes a fraction of a millisecond.
 */
const pollMs = 2_000;

/** Loads once, then at intervals. @returns a function that stops it */
export async function watchFiles(options: FileWatchOptions): Promise<() => void> {
  const { label, fields, load, clock, log } = options;
  /** The error of the last polls, and how many had it. */
  let [reason, polls] = ['', 0];
  let isLoading = false;
  const reload = async (): Promise<void> => {
    // A file system that hangs must not queue reads.
    if (isLoading) return;
    isLoading = true;
    try {
      const changed = await load();
      polls = 0;
      if (changed) log.info(fields, `a new ${label} is in use`);
    } catch (error) {
      polls = messageOf(error) === reason ? polls + 1 : 1;
      reason = messageOf(error);
      // Once, and not for a file that is just being written.
      if (polls === 2)
        log.warn({ ...fields, error: reason }, `the ${label} cannot be used; the last good one stays in use`);
    } finally {
      isLoading = false;
    }
  };
  await load();
  return clock.every(pollMs, () => void reload());
}

/** Throws when the file is larger than `maxBytes`. */
export async function readSmallFile(file: string, maxBytes: number): Promise<string> {
  return (await readSmallBytes(file, maxBytes)).toString('utf8');
}

/** The same, for files that may be binary. */
export async function readSmallBytes(file: string, maxBytes: number): Promise<Buffer> {
  // One handle, so that size and content belong to the same file.
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

// Files that are taken anew when they change, without a restart: what is unusable is logged, and what was good
// before stays. Used by watched-verifier.ts and tls.ts.

import { type FSWatcher, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock, Log } from '../domain/ports.ts';
import { messageOf } from '../errors.ts';

export interface WatchedFiles {
  readonly files: readonly string[];
  /** As log lines call it: `verification key`. */
  readonly what: string;
  /** Which one, as fields of those lines. */
  readonly fields: object;
  /**
   * Reads the files and takes what is new in them. @returns whether there was anything. Never runs twice at once;
   * what it throws at first goes to the caller of `watchFiles`, later into the log.
   */
  readonly load: () => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A file that is being written changes more than once: it is read when it has been quiet for this long. */
const quietMs = 200;
/** Network file systems tell of no change: the files are looked at this often as well. */
const pollMs = 30_000;

/** Loads once, then after every change. @returns a function that ends it */
export async function watchFiles(watched: WatchedFiles): Promise<() => void> {
  const { what, fields, load, clock, log } = watched;
  // One fault is told once, not at every look.
  let told: string | undefined;
  const reload = async (): Promise<void> => {
    try {
      const taken = await load();
      told = undefined;
      if (taken) log.info(fields, `a new ${what} is in use`);
    } catch (error) {
      const reason = messageOf(error);
      if (reason === told) return;
      told = reason;
      log.warn({ ...fields, error: reason }, `the ${what} cannot be used; the last good one stays`);
    }
  };

  // One after the other, so that an old read never wins over a newer one.
  let reloading: Promise<void> = Promise.resolve();
  const reloadNow = (): void => {
    reloading = reloading.then(reload);
  };
  let cancelReload: () => void = () => {};
  const reloadSoon = (): void => {
    cancelReload();
    cancelReload = clock.after(quietMs, reloadNow);
  };
  // Watched before they are read, so that no change falls between the two.
  const watchers = foldersOf(watched.files).map((folder) => watchFolder(folder, watched, reloadSoon));
  const stopPolling = clock.every(pollMs, reloadNow);
  const stop = (): void => {
    cancelReload();
    stopPolling();
    for (const watcher of watchers) watcher?.close();
  };
  try {
    await load();
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

/** A text that is not read when the file is larger than `maxBytes`. */
export async function readSmallFile(file: string, maxBytes: number): Promise<string> {
  // One open file, so that size and text are of the same one, and a missing file is always the same fault.
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function foldersOf(files: readonly string[]): string[] {
  return [...new Set(files.map((file) => dirname(file)))];
}

/** The folder, not the file: keys are replaced by renaming, which a watch on the file would lose. */
function watchFolder(
  folder: string,
  { files, what, fields, log }: WatchedFiles,
  changed: () => void,
): FSWatcher | undefined {
  const names = new Set(files.filter((file) => dirname(file) === folder).map((file) => basename(file)));
  const failed = (error: unknown): void =>
    log.warn(
      { ...fields, folder, error: messageOf(error) },
      `the folder of the ${what} cannot be watched; looking at it instead`,
    );
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (name === null || names.has(name)) changed();
    });
    watcher.on('error', failed);
    return watcher;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

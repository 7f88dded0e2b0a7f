// Makes many written files durable: some at a time, while they are still open, and each of their folders once. Used by disk.ts.

import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { syncFolder } from '../../lib/folders.ts';
import { diskError } from '../disk-error.ts';

/** A file that has been written and not been synced. */
export interface OpenFile {
  /** Its path. */
  readonly file: string;
  readonly handle: FileHandle;
}

/** These leave threads of Node, of which there are four, to those who wait for the disk. */
const writeConcurrency = 2;
const syncConcurrency = 3;
/** Files that are open at the same time. */
const maxOpen = 64;

/** Writes each item by `write`. Throws UNAVAILABLE, and leaves no file open then either. */
export async function syncTogether<T>(
  items: Iterable<T>,
  write: (item: T) => Promise<OpenFile>,
): Promise<void> {
  const unsynced = new Set<OpenFile>();
  const folders = new Set<string>();
  const writeOne = async (item: T): Promise<void> => {
    unsynced.add(await write(item));
  };
  const syncOne = async (opened: OpenFile): Promise<void> => {
    unsynced.delete(opened);
    await syncAndClose(opened);
    folders.add(dirname(opened.file));
  };
  const syncAll = async (): Promise<void> => {
    for await (const _ of mapConcurrent([...unsynced], syncConcurrency, syncOne));
  };
  try {
    for await (const _ of mapConcurrent(items, writeConcurrency, writeOne)) {
      if (unsynced.size >= maxOpen) await syncAll();
    }
    await syncAll();
  } finally {
    for (const { handle } of unsynced) await handle.close().catch(() => {});
  }
  for await (const _ of mapConcurrent(folders, syncConcurrency, syncEntries));
}

async function syncAndClose({ file, handle }: OpenFile): Promise<void> {
  try {
    await handle.datasync();
  } catch (error) {
    throw diskError(`cannot sync ${file}`, error);
  } finally {
    await handle.close();
  }
}

/** Syncs which files the folder has. Throws UNAVAILABLE. */
export async function syncEntries(path: string): Promise<void> {
  await syncFolder(path).catch((error: unknown) => {
    throw diskError(`cannot sync ${path}`, error);
  });
}

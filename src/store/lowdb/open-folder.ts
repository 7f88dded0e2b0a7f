// Opens the folder of a lowdb store: acquires its lock and checks its format. Used by the store and its archive.

import { resolve } from 'node:path';
import { SwobError } from '../../errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { diskError } from '../disk-error.ts';
import { acquireLock } from '../lock/lock.ts';
import type { StoreOptions } from '../options.ts';
import { createDisk, type Disk } from './disk.ts';
import { createDiskQueue, type DiskQueue } from './disk-queue.ts';
import { migrateStore } from './migration.ts';
import { detectFormat, writeMeta } from './store-format.ts';

/** Concurrent disk operations, and how many may wait for them. */
const queueBounds = { concurrency: 32, maxWaiting: 10_000 };

export interface OpenedFolder {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  /** The previous process closed the store cleanly. */
  readonly cleanShutdown: boolean;
  /** Releases the lock; `cleanShutdown` is false when a part could not be closed cleanly. Idempotent. */
  release(cleanShutdown?: boolean): Promise<void>;
}

/**
 * Opens the folder, creating it when it is missing. Throws UNAVAILABLE when another process uses it or for errors of
 * the disk, and CONFIG when the folder is not a store of this version.
 */
export async function openFolder(
  given: string,
  { clock, log }: Pick<StoreOptions, 'clock' | 'log'>,
): Promise<OpenedFolder> {
  const folder = resolve(given);
  await makeFolder(folder).catch((error: unknown) => {
    throw diskError(`cannot make the store's folder ${folder}`, error, 'opening');
  });
  // Checked before locking as well, so that no lock file is created in another program's folder.
  await detectFormat(createDisk(folder, () => {}));

  const lock = await acquireLock(folder, clock, log);
  const disk = createDisk(folder, () => {
    if (!lock.lost) return;
    throw new SwobError(
      'UNAVAILABLE',
      `another process has taken over the store ${folder}; restart this one`,
    );
  });
  const queue = createDiskQueue(queueBounds);
  try {
    const found = await detectFormat(disk);
    await disk.clearTemporary();
    const cleanUp = found === 'outdated' ? await migrateStore(disk, queue, log) : undefined;
    if (found !== 'current') await writeMeta(disk);
    await cleanUp?.();
  } catch (error) {
    await lock.release().catch(() => {});
    throw error;
  }
  return {
    disk,
    queue,
    cleanShutdown: lock.afterRelease,
    release: (cleanShutdown) => lock.release(cleanShutdown),
  };
}

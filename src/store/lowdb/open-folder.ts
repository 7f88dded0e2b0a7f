// Opens the folder of a lowdb store: acquires its lock and checks its format. Used by the store and its archive.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SwobError, systemErrorCode } from '../../errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import { diskError } from '../disk-error.ts';
import { storeClosedError } from '../errors.ts';
import { acquireLock, describeHolder, folderInUseError, readLockHolder } from '../lock/lock.ts';
import type { StoreOptions } from '../options.ts';
import { createDisk, type Disk } from './disk.ts';
import { createDiskQueue, type DiskQueue } from './disk-queue.ts';
import { migrateStore } from './migration.ts';
import { createPreviewDisk } from './preview-disk.ts';
import { createSnapshots, noSnapshots, type OpenSnapshot } from './snapshots.ts';
import { detectFormat, writeMeta } from './store-format.ts';

/** Concurrent disk operations, and how many may wait for them. */
const queueBounds = { concurrency: 32, maxWaiting: 10_000 };

export interface OpenedFolder {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  /** The previous process closed the store cleanly. */
  readonly cleanShutdown: boolean;
  readonly openSnapshot: OpenSnapshot;
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
  let isReleased = false;
  const disk = createDisk(folder, () => {
    if (isReleased) throw storeClosedError();
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
    openSnapshot: createSnapshots(disk, queue, log),
    release: (cleanShutdown) => {
      // What a failed start has left to be written must not reach the folder, which another process may own by then.
      isReleased = true;
      return lock.release(cleanShutdown);
    },
  };
}

/**
 * The same, with every change in memory only: takes no lock, creates no folder. Throws as `openFolder` does, but continues
 * where that would watch the lock of another host; and CONFIG when the folder could not be created.
 */
export async function previewFolder(
  given: string,
  { clock, log }: Pick<StoreOptions, 'clock' | 'log'>,
): Promise<OpenedFolder> {
  const folder = resolve(given);
  const disk = createPreviewDisk(folder);
  const queue = createDiskQueue(queueBounds);
  const opened: OpenedFolder = {
    disk,
    queue,
    cleanShutdown: false,
    openSnapshot: noSnapshots,
    release: async () => {},
  };
  if (!(await isWritableFolder(folder))) return opened;
  const found = await detectFormat(disk);
  const holder = await readLockHolder(folder, clock).catch((error: unknown) => {
    throw diskError(`cannot read the lock of the store ${folder}`, error, 'opening');
  });
  if (holder?.state === 'live') throw folderInUseError(folder, describeHolder(holder));
  if (holder?.state === 'unknown') {
    log.warn(
      {},
      `the store may be in use by ${describeHolder(holder)}; an import would watch its lock first`,
    );
  }
  if (found === 'outdated') {
    throw new SwobError(
      'CONFIG',
      `${folder} is a store of an earlier format, which an import would migrate first; \`swob store export\` migrates it and makes a backup, then repeat the dry run`,
    );
  }
  return opened;
}

/** False when the folder does not exist yet and can be created. Throws CONFIG or UNAVAILABLE when it cannot be written. */
async function isWritableFolder(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT' || dirname(folder) === folder) {
      throw diskError(`cannot write the store's folder ${folder}`, error, 'opening');
    }
    await isWritableFolder(dirname(folder));
    return false;
  }
}

// Opens the folder of a lowdb store: whose it is, and that it is one. Used by the store and by its archive.

import { resolve } from 'node:path';
import { SwobError } from '../../errors.ts';
import { makeFolder } from '../../folders.ts';
import { diskError } from '../disk-error.ts';
import { acquireLock } from '../lock.ts';
import type { StoreOptions } from '../options.ts';
import { createDisk, type Disk } from './disk.ts';
import { inspectFolder, writeMeta } from './meta.ts';

export interface OpenedFolder {
  readonly disk: Disk;
  /** Lets go of the lock; idempotent. */
  release(): Promise<void>;
}

/**
 * Takes the folder, made when it is missing or empty. Throws UNAVAILABLE when another process has it or the disk
 * refuses; CONFIG when the folder is no store of this version.
 */
export async function openFolder(
  given: string,
  { clock }: Pick<StoreOptions, 'clock'>,
): Promise<OpenedFolder> {
  const folder = resolve(given);
  await makeFolder(folder).catch((error: unknown) => {
    throw diskError(`cannot make the store's folder ${folder}`, error, 'opening');
  });
  // Looked at before the lock as well, so that no lock file lands in another program's folder.
  await inspectFolder(createDisk(folder, () => {}));

  const lock = await acquireLock(folder, clock);
  const disk = createDisk(folder, () => {
    if (!lock.lost) return;
    throw new SwobError(
      'UNAVAILABLE',
      `another process has taken over the store ${folder}; restart this one`,
    );
  });
  try {
    if ((await inspectFolder(disk)) === 'new') await writeMeta(disk);
  } catch (error) {
    await lock.release().catch(() => {});
    throw error;
  }
  return { disk, release: () => lock.release() };
}

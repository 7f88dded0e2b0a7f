// Room on the file system of a folder. Used by the readiness checks and by `swob doctor`.

import { statfs } from 'node:fs/promises';

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Files that can still be made; undefined where the file system has no such bound. */
  readonly freeFiles: number | undefined;
  /** Under 5 % or 100 MB, or under 1,000 files. */
  readonly low: boolean;
}

const lowShare = 0.05;
const lowBytes = 100e6;
const lowFiles = 1_000;

/** Room that a process without privileges has. Throws the system's error, e.g. ENOENT. */
export async function diskSpaceOf(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const totalBytes = blocks * bsize;
  const freeFiles = files > 0 ? ffree : undefined;
  const low = freeBytes < lowBytes || freeBytes < lowShare * totalBytes || (freeFiles ?? lowFiles) < lowFiles;
  return { freeBytes, totalBytes, freeFiles, low };
}

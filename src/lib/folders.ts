// Makes folders so that they are there after a power cut. Not by mkdir's own `recursive`: that says ENOENT on a
// disk that is read-only, and never ends where a folder above exists but takes no new ones (/proc).

import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';

/** Makes the folder and those above it as needed, on disk when this resolves; throws the system's error. */
export async function makeFolder(folder: string, mode = 0o700): Promise<void> {
  await makeOne(folder, mode).catch(async (error: unknown) => {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    // Tried again whether or not it is there by now: others make folders too.
    await makeFolder(dirname(folder), mode);
    await makeOne(folder, mode);
  });
}

/** The same where the folder above is there. */
async function makeOne(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    throw error;
  }
  await syncFolder(dirname(folder));
}

/** Has the folder's entries written to the disk. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

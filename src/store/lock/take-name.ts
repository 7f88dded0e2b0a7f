// Gives a lock file a name that only one process can get. Used by lock.ts.

import { link, open, readFile, unlink } from 'node:fs/promises';
import { systemErrorCode } from '../../errors.ts';
import { writeWhole } from '../../lib/durable-files.ts';

/** What FAT, exFAT and some network file systems answer to a link. */
const withoutLinks = new Set<unknown>(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** `draft`: a complete, synced file in the same folder. False when the name is taken; throws the system's error. */
export async function takeName(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    if (!withoutLinks.has(systemErrorCode(error))) throw error;
  }
  return createCopy(draft, file);
}

/**
 * As exclusive as a link, but for a moment other processes see the file without its content: they take it for that of a live
 * holder for as long as they would watch any unreadable lock.
 */
async function createCopy(draft: string, file: string): Promise<boolean> {
  const content = await readFile(draft);
  const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
    if (systemErrorCode(error) === 'EEXIST') return undefined;
    throw error;
  });
  if (!handle) return false;
  try {
    await writeWhole(handle, file, content);
    await handle.sync();
    return true;
  } catch (error) {
    await unlink(file).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
}

// A file that grows durably: once `append` has resolved, the bytes survive a power cut. Used by disk.ts.

import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeWhole } from '../../lib/durable-files.ts';
import { syncFolder } from '../../lib/folders.ts';
import { diskError } from '../disk-error.ts';

/** A file that is open for appending. */
export interface AppendFile {
  /**
   * Appends the bytes durably. Throws UNAVAILABLE, possibly after writing a part of them; then reopen the file with
   * the last valid length.
   */
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** `assertOwned` throws when another process has taken over the folder. */
export async function openAppendFile(
  file: string,
  length: number,
  assertOwned: () => void,
): Promise<AppendFile> {
  const handle = await open(file, 'a', 0o600);
  try {
    await handle.truncate(length);
    await handle.datasync();
    await syncFolder(dirname(file));
  } catch (error) {
    await handle.close();
    throw error;
  }
  return {
    append: (bytes) => append(handle, file, bytes, assertOwned),
    close: () => handle.close(),
  };
}

async function append(
  handle: FileHandle,
  file: string,
  bytes: Uint8Array,
  assertOwned: () => void,
): Promise<void> {
  assertOwned();
  try {
    await writeWhole(handle, file, bytes);
    await handle.datasync();
  } catch (error) {
    throw diskError(`cannot write ${file}`, error);
  }
}

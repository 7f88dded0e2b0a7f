// Durable files of one folder: what `write` and `append` have resolved for survives a power cut. Used by the
// lowdb store only.

import { type FileHandle, open, readdir, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf } from '../../errors.ts';
import { makeFolder, syncFolder } from '../../folders.ts';
import { diskError } from '../disk-error.ts';
import { replaceFile } from './replace-file.ts';

export interface Disk {
  readonly folder: string;
  /** The whole path of a file in the folder, for messages. */
  pathOf(name: string): string;
  /** The file's text, or undefined when there is none. Throws UNAVAILABLE. */
  read(name: string): Promise<string | undefined>;
  /** The same as bytes. */
  readBytes(name: string): Promise<Buffer | undefined>;
  /** The names in a folder, none when it is missing; to be called while the store opens. Throws UNAVAILABLE or CONFIG. */
  list(name: string): Promise<string[]>;
  /** Replaces the file (mode 0600, folders 0700); a failure leaves the earlier one. Throws UNAVAILABLE. */
  write(name: string, text: string | Iterable<string>): Promise<void>;
  /**
   * Opens the file for appending, made when it is missing (mode 0600, folders 0700); what it holds beyond `length`
   * bytes is cut off. Throws UNAVAILABLE.
   */
  openEnd(name: string, length: number): Promise<FileEnd>;
  /**
   * Removes the file, if there is one; a power cut right after may bring it back. Throws UNAVAILABLE.
   */
  remove(name: string): Promise<void>;
}

/** The end of a file that grows. */
export interface FileEnd {
  /**
   * Adds the bytes. Throws UNAVAILABLE, and may leave a part of them then: open the file anew, at the length
   * that is known to be good.
   */
  append(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** `mayWrite` throws when the folder is no longer ours. */
export function createDisk(folder: string, mayWrite: () => void): Disk {
  const folders = new Map<string, Promise<void>>();
  let writes = 0;

  /** Made once for all who wait: none of them may rest on a folder that is not on disk yet. */
  const folderOf = (path: string): Promise<void> => {
    const made = folders.get(path) ?? makeFolder(path);
    folders.set(path, made);
    return made;
  };

  const readBytes = async (name: string): Promise<Buffer | undefined> => {
    try {
      return await readFile(join(folder, name));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw diskError(`cannot read ${join(folder, name)}`, error);
    }
  };

  return {
    folder,
    pathOf: (name) => join(folder, name),
    read: async (name) => (await readBytes(name))?.toString(),
    readBytes,

    list: async (name) => {
      try {
        return await readdir(join(folder, name));
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return [];
        throw diskError(`cannot list ${join(folder, name)}`, error, 'opening');
      }
    },

    write: async (name, text) => {
      mayWrite();
      const file = join(folder, name);
      try {
        await folderOf(dirname(file));
        // A number that a killed process has left is written over.
        await replaceFile(file, text, `${file}.${writes++}`);
        await syncFolder(dirname(file));
      } catch (error) {
        folders.delete(dirname(file));
        throw diskError(`cannot write ${file}`, error);
      }
    },

    openEnd: async (name, length) => {
      mayWrite();
      const file = join(folder, name);
      try {
        await folderOf(dirname(file));
        return await openEnd(file, length, mayWrite);
      } catch (error) {
        folders.delete(dirname(file));
        throw diskError(`cannot write ${file}`, error);
      }
    },

    remove: async (name) => {
      mayWrite();
      try {
        await unlink(join(folder, name));
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw diskError(`cannot remove ${join(folder, name)}`, error);
      }
    },
  };
}

async function openEnd(file: string, length: number, mayWrite: () => void): Promise<FileEnd> {
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
    append: (bytes) => append(handle, file, bytes, mayWrite),
    close: () => handle.close(),
  };
}

async function append(
  handle: FileHandle,
  file: string,
  bytes: Uint8Array,
  mayWrite: () => void,
): Promise<void> {
  mayWrite();
  try {
    await handle.appendFile(bytes);
    await handle.datasync();
  } catch (error) {
    throw diskError(`cannot write ${file}`, error);
  }
}

// Durable files of one folder: once `write` or `append` has resolved, the data survives a power cut. Used by the
// lowdb store only.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { systemErrorCode } from '../../errors.ts';
import { replaceFile, replaceUnsynced } from '../../lib/durable-files.ts';
import { makeFolder, syncFolder } from '../../lib/folders.ts';
import { diskError } from '../disk-error.ts';
import { type AppendFile, openAppendFile } from './append-file.ts';
import type { Content } from './content.ts';
import { DamagedFileError } from './damaged-files.ts';
import { syncEntries, syncTogether } from './sync-together.ts';

export interface Disk {
  readonly folder: string;
  /** The absolute path of a file in the folder, for messages. */
  pathOf(name: string): string;
  /**
   * The file's text; undefined when there is none. Throws DamagedFileError when the disk cannot read it, and
   * UNAVAILABLE.
   */
  read(name: string): Promise<string | undefined>;
  /**
   * The same, synchronously: several times as cheap where thousands of small files are read. For use while the store opens.
   */
  readNow(name: string): string | undefined;
  /** Another number after each change of the file, also by another program; undefined when there is none. Throws UNAVAILABLE. */
  version(name: string): Promise<number | undefined>;
  /** The same, synchronously. For use while the store opens. */
  versionNow(name: string): number | undefined;
  /** The file's content as bytes. Throws as `read` does. */
  readBytes(name: string): Promise<Buffer | undefined>;
  /** The same in a buffer that several reads share, so that the content is valid until the next of them. */
  readShared(name: string, shared: SharedBuffer): Promise<Buffer | undefined>;
  /** A part of the file, shorter where the file ends. Throws as `read` does. */
  readRange(name: string, offset: number, length: number): Promise<Buffer | undefined>;
  /**
   * The names in a folder, empty when it does not exist. For use while the store opens. Throws UNAVAILABLE or CONFIG.
   */
  list(name: string): Promise<string[]>;
  /** The same, synchronously: a start with hundreds of folders would wait for a thread at each of them. */
  listNow(name: string): string[];
  /** Replaces the file (mode 0600, folders 0700); on failure the earlier one remains. Throws UNAVAILABLE. */
  write(name: string, content: Content): Promise<void>;
  /**
   * The same for many files, which share the syncs of their folders; a power cut meanwhile may damage some of them, a kill may
   * not. Throws UNAVAILABLE; then all must be written again, because a disk that fails may have dropped their content.
   */
  writeAll(files: Iterable<NamedText>): Promise<void>;
  /** Makes durable which files the folder has. Throws UNAVAILABLE. */
  syncFolder(name: string): Promise<void>;
  /**
   * Opens the file for appending, creating it if necessary (mode 0600, folders 0700), and truncates it to `length`
   * bytes. Throws UNAVAILABLE.
   */
  openAppend(name: string, length: number): Promise<AppendFile>;
  /** Renames the file durably, replacing a file of the new name. Throws UNAVAILABLE. */
  move(name: string, newName: string): Promise<void>;
  /** Removes temporary files of killed writes. Throws UNAVAILABLE or CONFIG. */
  clearTemporary(): Promise<void>;
  /** Removes the file if it exists; a power cut immediately afterwards may restore it. Throws UNAVAILABLE. */
  remove(name: string): Promise<void>;
}

/** Grows with the largest file. A buffer for each of many files would make V8 collect its whole heap again and again. */
export interface SharedBuffer {
  bytes: Buffer;
}

/** What a file is to contain. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Files in the course of being written; a folder of their own makes leftovers easy to identify. */
const temporaryFolder = '.tmp';

/** `assertOwned` throws when another process has taken over the folder. */
export function createDisk(folder: string, assertOwned: () => void): Disk {
  const folders = new Map<string, Promise<void>>();
  /** Differs from the prefix of a process that has lost the folder to this one and has not noticed yet. */
  const temporaryPrefix = randomBytes(6).toString('hex');
  let writes = 0;

  /** Created once for all concurrent callers, because none of them may rely on a folder that is not synced. */
  const folderOf = (path: string): Promise<void> => {
    const made = folders.get(path) ?? makeFolder(path);
    folders.set(path, made);
    return made;
  };

  /** Undefined when there is no file. */
  const readFailed = (name: string, error: unknown): undefined => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    // A bad sector damages one file; the rest of the disk may be readable.
    if (systemErrorCode(error) === 'EIO')
      throw new DamagedFileError(join(folder, name), 'the disk cannot read it: EIO', 'opening');
    throw diskError(`cannot read ${join(folder, name)}`, error);
  };
  const reading = async (
    name: string,
    read: (path: string) => Promise<Buffer>,
  ): Promise<Buffer | undefined> => {
    try {
      return await read(join(folder, name));
    } catch (error) {
      return readFailed(name, error);
    }
  };
  const readBytes = (name: string): Promise<Buffer | undefined> => reading(name, (path) => readFile(path));

  /** No names when there is no folder. */
  const listFailed = (name: string, error: unknown): string[] => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw diskError(`cannot list ${join(folder, name)}`, error, 'opening');
  };
  const list = async (name: string): Promise<string[]> => {
    try {
      return await readdir(join(folder, name));
    } catch (error) {
      return listFailed(name, error);
    }
  };

  const remove = async (name: string): Promise<void> => {
    assertOwned();
    try {
      await unlink(join(folder, name));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw diskError(`cannot remove ${join(folder, name)}`, error);
    }
  };

  /** `replace` gets the path, and that of a temporary file. */
  const replacing = async <T>(
    name: string,
    replace: (file: string, temporary: string) => Promise<T>,
  ): Promise<T> => {
    assertOwned();
    const file = join(folder, name);
    const temporary = join(folder, temporaryFolder);
    try {
      await folderOf(temporary);
      await folderOf(dirname(file));
      return await replace(file, join(temporary, `${temporaryPrefix}.${writes++}`));
    } catch (error) {
      folders.delete(temporary);
      folders.delete(dirname(file));
      throw diskError(`cannot write ${file}`, error);
    }
  };

  return {
    folder,
    pathOf: (name) => join(folder, name),
    read: async (name) => (await readBytes(name))?.toString(),
    readNow: (name) => {
      try {
        return fs.readFileSync(join(folder, name), 'utf8');
      } catch (error) {
        return readFailed(name, error);
      }
    },
    version: async (name) => {
      try {
        return versionOf(await stat(join(folder, name)));
      } catch (error) {
        return readFailed(name, error);
      }
    },
    versionNow: (name) => {
      try {
        const stats = fs.statSync(join(folder, name), { throwIfNoEntry: false });
        return stats && versionOf(stats);
      } catch (error) {
        return readFailed(name, error);
      }
    },
    readBytes,
    readShared: (name, shared) => reading(name, (path) => readShared(path, shared)),
    readRange: (name, offset, length) => reading(name, (path) => readRange(path, offset, length)),
    list,
    listNow: (name) => {
      try {
        return fs.readdirSync(join(folder, name));
      } catch (error) {
        return listFailed(name, error);
      }
    },
    remove,

    write: (name, content) => replacing(name, (file, temporary) => replaceFile(file, content, { temporary })),

    writeAll: (files) =>
      syncTogether(files, ({ name, text }) =>
        replacing(name, async (file, temporary) => ({
          file,
          handle: await replaceUnsynced(file, text, temporary),
        })),
      ),

    syncFolder: (name) => syncEntries(join(folder, name)),

    openAppend: async (name, length) => {
      assertOwned();
      const file = join(folder, name);
      try {
        await folderOf(dirname(file));
        return await openAppendFile(file, length, assertOwned);
      } catch (error) {
        folders.delete(dirname(file));
        throw diskError(`cannot write ${file}`, error);
      }
    },

    move: async (name, newName) => {
      assertOwned();
      const target = join(folder, newName);
      try {
        await folderOf(dirname(target));
        await rename(join(folder, name), target);
        await syncFolder(dirname(target));
        await syncFolder(dirname(join(folder, name)));
      } catch (error) {
        folders.delete(dirname(target));
        throw diskError(`cannot move ${join(folder, name)} to ${target}`, error);
      }
    },

    clearTemporary: async () => {
      for (const name of await list(temporaryFolder)) await remove(join(temporaryFolder, name));
    },
  };
}

async function readShared(path: string, shared: SharedBuffer): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (shared.bytes.length < size) shared.bytes = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(size)));
    let length = 0;
    while (length < size) {
      const { bytesRead } = await handle.read(shared.bytes, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return shared.bytes.subarray(0, length);
  } finally {
    await handle.close();
  }
}

/** A write makes a new inode, and nobody can set the time of change. */
function versionOf({ ino, size, mtimeMs, ctimeMs }: fs.Stats): number {
  return crc32(`${ino} ${size} ${mtimeMs} ${ctimeMs}`);
}

async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

// Files that are whole and on disk once their write has resolved, and as they were when it has failed: the content goes to
// a temporary file, which is synced and renamed, and then the folder is synced. Used by the embedded store and its lock, by
// the files of keys and tokens, and by the command line.
//
// Not write-file-atomic (7.0.1): on a disk that is nearly full it takes a short write for a whole one, and it does not sync
// the folder, so that a power cut can undo the rename. test/lib/durable-files.test.ts shows both.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { type FileHandle, link, open, rm, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { syncFolder } from './folders.ts';

type Chunks = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
export type FileContent = string | Uint8Array | Chunks;

export interface ReplaceOptions {
  /** Exact, whatever the umask; 0600 by default. */
  readonly mode?: number;
  /** A name on the same file system that nobody else uses; by default a random one beside the file. */
  readonly temporary?: string;
}

const ownerOnly = 0o600;

/** Creates the file or replaces it in one step. Throws what the system or `content` throws. */
export async function replaceFile(
  file: string,
  content: FileContent,
  { mode = ownerOnly, temporary = temporaryName(file) }: ReplaceOptions = {},
): Promise<void> {
  try {
    await writeNewFile(temporary, content, mode);
    await fs.promises.rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(file));
}

/** The same without any sync. @returns the open file, to be synced and closed, as is then its folder */
export async function replaceUnsynced(file: string, content: string, temporary: string): Promise<FileHandle> {
  try {
    const handle = await createNewFile(temporary, content, ownerOnly);
    try {
      await fs.promises.rename(temporary, file);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

/** The same, but false, and nothing is changed, when a file of this name exists. */
export async function createFileOnce(
  file: string,
  content: FileContent,
  { mode = ownerOnly, temporary = temporaryName(file) }: ReplaceOptions = {},
): Promise<boolean> {
  try {
    await writeNewFile(temporary, content, mode);
    if (!(await renameIfAbsent(temporary, file))) return false;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(dirname(file));
  return true;
}

/** Writes a file that must not exist, and syncs its content but not its name. */
export async function writeNewFile(file: string, content: FileContent, mode = ownerOnly): Promise<void> {
  const handle = await createNewFile(file, content, mode);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same without the sync. @returns the open file */
async function createNewFile(file: string, content: FileContent, mode: number): Promise<FileHandle> {
  const handle = await open(file, 'wx', mode);
  try {
    for await (const chunk of chunksOf(content)) await writeWhole(handle, file, chunk);
    // The umask takes nothing from an owner's rights.
    if (mode !== ownerOnly) await handle.chmod(mode);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Random, so that nobody who may write into the folder can place a link under the name. */
export function temporaryName(file: string): string {
  return `${file}.${randomBytes(8).toString('hex')}.tmp`;
}

/** A link fails where the name is taken, and a rename would replace it. May leave `from` as a second name of the file. */
async function renameIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    // Some network and memory-card file systems have no links.
    await fs.promises.rename(from, to);
  }
  return true;
}

function chunksOf(content: FileContent): Chunks {
  return typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
}

/**
 * Writes all bytes: a disk that is nearly full takes a part of a write without an error, and fails only at the next one.
 * @param onWritten called with the number of bytes of each part
 */
export async function writeWhole(
  handle: FileHandle,
  file: string,
  chunk: string | Uint8Array,
  onWritten: (bytes: number) => void = () => {},
): Promise<void> {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at);
    if (bytesWritten === 0) throw new Error(`the disk accepts no more bytes of ${file} and reports no error`);
    at += bytesWritten;
    onWritten(bytesWritten);
  }
}

// A file that is archived before it exceeds its limit. Used by log-file.ts. Not by rotating-file-stream 3.2.10, which
// treats a short write on a full disk as complete; see docs/decisions.md.

import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../../lib/durable-files.ts';
import { type ArchiveDeps, createArchives, fileMode } from './archives.ts';

export interface RotatingFile {
  readonly path: string;
  /** Appends all bytes, or throws the file system error and leaves none. Not to be called concurrently. */
  append(bytes: Buffer): Promise<void>;
  /** Removes archives that are too old and compresses the others, as each rotation does. Never rejects. */
  maintain(): Promise<void>;
  /** Closes the file; the next append opens it by name again. */
  release(): Promise<void>;
}

export interface RotatingFileDeps extends ArchiveDeps {
  /** Gets errors of removing or compressing archives. */
  readonly onMaintenanceError: (error: unknown) => void;
}

const newline = 10;

export function createRotatingFile(deps: RotatingFileDeps): RotatingFile {
  const { folder, name, limits } = deps;
  const path = join(folder, `${name}.log`);
  const archives = createArchives(deps);
  let file: { readonly handle: FileHandle; bytes: number } | undefined;
  let compressing: Promise<void> = Promise.resolve();

  const prune = (): Promise<void> => archives.prune().catch(deps.onMaintenanceError);
  const compress = (): Promise<void> => {
    compressing = compressing.then(archives.compress).catch(deps.onMaintenanceError);
    return compressing;
  };

  const release = async (): Promise<void> => {
    const { handle } = file ?? {};
    file = undefined;
    await handle?.close();
  };

  const openFile = async (): Promise<{ readonly handle: FileHandle; bytes: number }> => {
    if (file) return file;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const handle = await open(path, 'a+', fileMode);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error(`${path} is not a regular file`);
      file = { handle, bytes: stats.size };
      // A killed process may have left a partial line.
      if (stats.size > 0 && (await lastByte(handle, stats.size)) !== newline) {
        await writeWhole(handle, path, '\n');
        file.bytes++;
      }
      return file;
    } catch (error) {
      file = undefined;
      await handle.close();
      throw error;
    }
  };

  const rotate = async (): Promise<void> => {
    await release();
    await rename(path, await archives.nextPath());
    // Awaited, so that the limits hold before the next file grows.
    await prune();
    void compress();
  };

  return {
    path,
    append: async (bytes) => {
      const { bytes: before } = await openFile();
      if (before > 0 && before + bytes.length > limits.maxFileBytes) await rotate();
      const current = await openFile();
      try {
        await writeOrUndo(current.handle, path, bytes);
        current.bytes += bytes.length;
      } catch (error) {
        await release().catch(() => undefined);
        throw error;
      }
    },
    maintain: async () => {
      await prune();
      await compress();
    },
    release,
  };
}

async function lastByte(handle: FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await handle.read({ buffer: Buffer.alloc(1), position: size - 1 });
  return buffer[0];
}

/** Leaves nothing of the bytes when they cannot be written whole. */
async function writeOrUndo(handle: FileHandle, path: string, bytes: Buffer): Promise<void> {
  let written = 0;
  try {
    await writeWhole(handle, path, bytes, (count) => {
      written += count;
    });
  } catch (error) {
    const { size } = await handle.stat();
    await handle.truncate(size - written);
    throw error;
  }
}

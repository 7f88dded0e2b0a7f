// A file that is archived before it gets too large. Used by log-file.ts. (rotating-file-stream takes a short write for a
// whole one: on a full disk it acknowledged 70,000 bytes of which 65,536 were there.)

import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArchiveDeps, createArchives, fileMode } from './archives.ts';

export interface RotatingFile {
  readonly path: string;
  /** Appends all of it, or throws what the file system says and leaves nothing of it behind. One call at a time. */
  append(bytes: Buffer): Promise<void>;
  /** Removes archives that have got too old, and compresses the others; both are done after each rotation as well. Never rejects. */
  tidy(): Promise<void>;
  /** Closes it; the next append opens what is there then under its name. */
  release(): Promise<void>;
}

export interface RotatingFileDeps extends ArchiveDeps {
  /** Archives could not be removed or compressed. */
  readonly onUntidy: (error: unknown) => void;
}

const newline = 10;

export function createRotatingFile(deps: RotatingFileDeps): RotatingFile {
  const { folder, name, limits } = deps;
  const path = join(folder, `${name}.log`);
  const archives = createArchives(deps);
  let file: { readonly handle: FileHandle; bytes: number } | undefined;
  let compressing: Promise<void> = Promise.resolve();

  const prune = (): Promise<void> => archives.prune().catch(deps.onUntidy);
  const compress = (): Promise<void> => {
    compressing = compressing.then(archives.compress).catch(deps.onUntidy);
    return compressing;
  };

  const release = async (): Promise<void> => {
    const { handle } = file ?? {};
    file = undefined;
    await handle?.close();
  };

  const opened = async (): Promise<{ readonly handle: FileHandle; bytes: number }> => {
    if (file) return file;
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const handle = await open(path, 'a+', fileMode);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new Error(`${path} is no file`);
      file = { handle, bytes: stats.size };
      // A process that was killed may have left half a line.
      if (stats.size > 0 && (await lastByte(handle, stats.size)) !== newline) {
        await handle.appendFile('\n');
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
    // Not later: only then there is room for another one.
    await prune();
    void compress();
  };

  return {
    path,
    append: async (bytes) => {
      const { bytes: before } = await opened();
      if (before > 0 && before + bytes.length > limits.maxFileBytes) await rotate();
      const current = await opened();
      try {
        await writeWhole(current.handle, bytes);
        current.bytes += bytes.length;
      } catch (error) {
        await release().catch(() => undefined);
        throw error;
      }
    },
    tidy: async () => {
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

/** A full disk takes a part of what is written first, and complains about the rest. */
async function writeWhole(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  try {
    while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
  } catch (error) {
    const { size } = await handle.stat();
    await handle.truncate(size - written);
    throw error;
  }
}

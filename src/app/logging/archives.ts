// The archives of a log file: `gateway.000012.20260802-140322.log.gz`. Compresses and prunes them. A sequence number
// keeps them in order when the clock jumps. Used by rotating-file.ts.

import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../domain/shared/ports.ts';
import { systemErrorCode } from '../../errors.ts';
import { localTime } from './local-time.ts';

export interface FileLimits {
  readonly maxFileBytes: number;
  /** Number of archives. */
  readonly maxCount: number;
  /** The file and its archives together. */
  readonly accumulatedBytes: number;
  /** Archives whose last line is older are removed. */
  readonly maxAgeMs: number;
}

export interface ArchiveDeps {
  readonly folder: string;
  /** `gateway` of `gateway.log`. */
  readonly name: string;
  readonly limits: FileLimits;
  readonly clock: Clock;
}

export interface Archives {
  /** The path for the next archive. Throws file system errors. */
  nextPath(): Promise<string>;
  /** Removes archives beyond the limits. Throws file system errors. */
  prune(): Promise<void>;
  /** Compresses the remaining archives; not to be called concurrently. Throws file system errors. */
  compress(): Promise<void>;
}

/** Not world-readable, because lines name users and addresses. */
export const fileMode = 0o640;

export function createArchives({ folder, name, limits, clock }: ArchiveDeps): Archives {
  const { maxFileBytes, maxCount, accumulatedBytes, maxAgeMs } = limits;
  // Leave space for the file itself, and for the second copy of an archive during compression.
  const compresses = accumulatedBytes >= 3 * maxFileBytes;
  const budget = accumulatedBytes - (compresses ? 2 : 1) * maxFileBytes;

  const pattern = /^(\d{6,15})\.\d{8}-\d{6}\.log(?:\.gz)?$/;

  /** Newest first. */
  const list = async (): Promise<{ readonly path: string; readonly number: number }[]> => {
    const files = (await unlessMissing(readdir(folder))) ?? [];
    const found = files.flatMap((file) => {
      const match = file.startsWith(`${name}.`) && pattern.exec(file.slice(name.length + 1));
      return match ? [{ path: join(folder, file), number: Number(match[1]) }] : [];
    });
    return found.sort((a, b) => b.number - a.number);
  };

  return {
    nextPath: async () => {
      const [newest] = await list();
      const number = String((newest?.number ?? 0) + 1).padStart(6, '0');
      const [date = '', time = ''] = localTime(clock.now()).slice(0, 19).replace(/[-:]/g, '').split('T');
      return join(folder, `${name}.${number}.${date}-${time}.log`);
    },
    prune: async () => {
      let count = 0;
      let counted: number | undefined;
      let bytes = 0;
      const tooOld = clock.now() - maxAgeMs;
      for (const { path, number } of await list()) {
        const found = await unlessMissing(stat(path));
        if (!found) continue;
        // During compression an archive exists under two names.
        if (number !== counted) count++;
        counted = number;
        bytes += found.size;
        if (count > maxCount || bytes > budget || found.mtimeMs < tooOld) await rm(path, { force: true });
      }
    },
    compress: async () => {
      if (!compresses) return;
      const plain = (await list()).filter(({ path }) => !path.endsWith('.gz'));
      // Oldest first, because they are removed next.
      for (const { path } of plain.reverse()) await unlessMissing(compressFile(path));
    },
  };
}

/** Undefined when the file does not exist, or has been removed since it was listed. */
async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces the archive by a .gz file with the same modification time; on an error the archive stays. */
async function compressFile(path: string): Promise<void> {
  // A fixed name, so that the file of a killed process is overwritten.
  const unfinished = join(dirname(path), `${basename(path).split('.', 1)[0]}.log.gz.part`);
  try {
    const { mtime } = await stat(path);
    await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { mode: fileMode }));
    await utimes(unfinished, mtime, mtime);
    // Throws if the archive has been removed since: it must not reappear compressed.
    await stat(path);
    await rename(unfinished, `${path}.gz`);
    await rm(path, { force: true });
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

// The archives of a log file: `gateway.000012.20260802-140322.log.gz`. Names count up, so that they sort also when the
// clock jumps. Compresses them and keeps them within their limits. Used by rotating-file.ts.

import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../domain/ports.ts';
import { errnoOf } from '../../errors.ts';
import { localTime } from './local-time.ts';

export interface FileLimits {
  readonly maxFileBytes: number;
  /** Archives. */
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
  /** The path for the next archive. Throws what the file system says. */
  nextPath(): Promise<string>;
  /** Removes what is over the limits. Throws what the file system says. */
  prune(): Promise<void>;
  /** Compresses those that are left; one call at a time. Throws what the file system says. */
  compress(): Promise<void>;
}

/** Not for everybody: lines name users and addresses. */
export const fileMode = 0o640;

export function createArchives({ folder, name, limits, clock }: ArchiveDeps): Archives {
  const { maxFileBytes, maxCount, accumulatedBytes, maxAgeMs } = limits;
  // The file may grow to its limit, and an archive that is being compressed lies there twice.
  const compresses = accumulatedBytes >= 3 * maxFileBytes;
  const budget = accumulatedBytes - (compresses ? 2 : 1) * maxFileBytes;

  const pattern = /^(\d{6,15})\.\d{8}-\d{6}\.log(?:\.gz)?$/;

  /** The newest first. */
  const list = async (): Promise<{ readonly path: string; readonly number: number }[]> => {
    const files = (await ifThere(readdir(folder))) ?? [];
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
        const found = await ifThere(stat(path));
        if (!found) continue;
        // One that has just been compressed is there under two names.
        if (number !== counted) count++;
        counted = number;
        bytes += found.size;
        if (count > maxCount || bytes > budget || found.mtimeMs < tooOld) await rm(path, { force: true });
      }
    },
    compress: async () => {
      if (!compresses) return;
      const plain = (await list()).filter(({ path }) => !path.endsWith('.gz'));
      // The oldest first: they are the next to be removed.
      for (const { path } of plain.reverse()) await ifThere(compressFile(path));
    },
  };
}

/** Undefined when it is not there: not yet, or removed by a prune or an operator meanwhile. */
async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** In place of the archive comes the same with .gz, and its time; on a failure it stays as it is. */
async function compressFile(path: string): Promise<void> {
  // One name for all: what a process that was killed has left of it is written over.
  const unfinished = join(dirname(path), `${basename(path).split('.', 1)[0]}.log.gz.part`);
  try {
    const { mtime } = await stat(path);
    await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { mode: fileMode }));
    await utimes(unfinished, mtime, mtime);
    // Removed meanwhile: then it must not come back.
    await stat(path);
    await rename(unfinished, `${path}.gz`);
    await rm(path, { force: true });
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

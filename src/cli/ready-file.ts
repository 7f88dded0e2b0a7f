// Files that others wait for or keep secrets in: written whole under another name, then renamed, so
// that nobody ever reads half of one. Used by `serve`, `stub`, `sync pair`, `config init`
// and `store export`.

import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { moveIfAbsent } from '../crypto/file-once.ts';
import { type ErrorCode, messageOf, SwobError } from '../errors.ts';
import { syncFolder } from '../folders.ts';

/** Writes or replaces `path` in one step. Throws UNAVAILABLE, and leaves the old file, when that cannot be done. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  await writeWholeOf(path, [text], { mode, replace: true });
}

/**
 * The same with chunks as they come, and the name on disk. What they throw is thrown on, and leaves nothing; so does
 * CONFIG, unless `replace`, when another process has made the file meanwhile.
 */
export async function writeWholeOf(
  path: string,
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  { mode, replace }: { readonly mode: number; readonly replace: boolean },
): Promise<void> {
  const temporary = temporaryName(path);
  const doing = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw new SwobError('UNAVAILABLE', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
    });
  try {
    const handle = await doing(open(temporary, 'wx', mode));
    try {
      for await (const chunk of chunks) await doing(handle.appendFile(chunk));
      await doing(handle.sync());
    } finally {
      await doing(handle.close());
    }
    if (replace) await doing(rename(temporary, path));
    else if (!(await doing(moveIfAbsent(temporary, path)))) {
      throw new SwobError('CONFIG', `${path} is there already; --force replaces it`);
    }
    await doing(syncFolder(dirname(path)));
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Finds out beforehand whether `writeWhole` can write there; leaves a file that is there alone. Throws `code`. */
export async function checkWritable(path: string, code: ErrorCode): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there && !there.isFile()) throw new Error('it is there and is no file');
    const handle = await open(temporary, 'wx', 0o600);
    await handle.close();
    await rm(temporary);
  } catch (error) {
    throw new SwobError(code, `cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** Random: in a folder that others can write to nobody can lay a link in its place. */
function temporaryName(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.tmp`;
}

/** The file that says where a daemon can be reached, while it can. */
export interface ReadyFile {
  /** One JSON object and a line end. */
  write(ready: object): Promise<void>;
  /** Removes what was written, unless another run has replaced it. */
  remove(): Promise<void>;
}

/**
 * Removes the file of an earlier run, for which a script that waits would not wait. Throws CONFIG when the
 * file cannot be written. Without a path nothing is ever written.
 */
export async function prepareReadyFile(path: string | undefined): Promise<ReadyFile> {
  if (path === undefined) return { write: async () => undefined, remove: async () => undefined };
  await checkWritable(path, 'CONFIG');
  await rm(path, { force: true });
  let written: string | undefined;
  return {
    write: async (ready) => {
      const text = `${JSON.stringify(ready)}\n`;
      await writeWhole(path, text, 0o644);
      written = text;
    },
    remove: async () => {
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined && text === written) await rm(path, { force: true });
    },
  };
}

// Files that others wait for or keep secrets in: written whole under another name, then renamed, so
// that nobody ever reads half of one. Used by `serve`, `stub`, `sync pair` and `config init`.

import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { type ErrorCode, messageOf, SwobError } from '../errors.ts';

/** Writes or replaces `path` in one step. Throws UNAVAILABLE, and leaves the old file, when that cannot be done. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new SwobError('UNAVAILABLE', `cannot write ${path}: ${messageOf(error)}`, { cause: error });
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

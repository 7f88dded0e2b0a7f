// Atomic writes (a temporary file that is renamed), and the ready file of a service. Used by `serve`, `stub`, `sync pair`,
// `config init`, `store export`, `verify` and qr-files.ts.

import { open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ErrorCode, messageOf, SwobError, systemErrorCode } from '../errors.ts';
import { createFileOnce, replaceFile, temporaryName } from '../lib/durable-files.ts';

/** Creates or replaces `path` atomically. Throws UNAVAILABLE, leaving the old file, when that fails. */
export async function writeFileAtomic(path: string, text: string, mode: number): Promise<void> {
  await writeChunksAtomic(path, [text], { mode, replace: true });
}

/**
 * The same for a stream of chunks; also syncs the folder. Errors of the stream are rethrown and leave no file. Throws
 * CONFIG, unless `replace`, when another process has created the file meanwhile.
 */
export async function writeChunksAtomic(
  path: string,
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  { mode, replace }: { readonly mode: number; readonly replace: boolean },
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  async function* watched() {
    try {
      yield* chunks;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  const write = replace ? replaceFile : createFileOnce;
  const created = await write(path, watched(), { mode }).catch((error: unknown) => {
    if (failure) throw failure.error;
    throw new SwobError('UNAVAILABLE', describeFailure(path, error), { cause: error });
  });
  if (created === false) throw new SwobError('CONFIG', `${path} already exists; --force replaces it`);
}

/** Checks that `writeFileAtomic` could write `path`, without changing an existing file. Throws `code`. */
export async function checkWritable(path: string, code: ErrorCode): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new Error('it is a folder; name a file, such as one in it');
    if (there && !there.isFile()) throw new Error('it exists and is not a regular file; name another');
    if (there && (await isProtected(path, there.uid))) throw new Error(anothersFile);
    const handle = await open(temporary, 'wx', 0o600);
    await handle.close();
    await rm(temporary);
  } catch (error) {
    throw new SwobError(code, describeFailure(path, error), { cause: error });
  }
}

/** S_ISVTX of chmod(2). */
const stickyBit = 0o1000;
const anothersFile = 'it belongs to another user; remove it as that user, or name another file';

/** In a folder such as /tmp, where all may write, only its owner may replace a file. */
async function isProtected(path: string, owner: number): Promise<boolean> {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0 || uid === owner) return false;
  const folder = await stat(dirname(path));
  return (folder.mode & stickyBit) !== 0 && folder.uid !== uid;
}

/** What failed, why, and what to do; the system's message names a temporary file, which nobody looks for. */
function describeFailure(path: string, error: unknown): string {
  const folder = dirname(temporaryName(path));
  const reasons: Record<string, string> = {
    ENOENT: `the folder ${folder} does not exist; create it, or name a file in another`,
    ENOTDIR: `${folder} is not a folder; name a file in one`,
    EACCES: `no permission to write into the folder ${folder}; change it, or name a file in another`,
    EROFS: `the file system of ${folder} is read-only; name a file on another`,
    ENAMETOOLONG: 'the name is too long; shorten it',
  };
  const reason = reasons[String(systemErrorCode(error))];
  return `cannot write ${path}: ${reason ?? messageOf(error)}`;
}

/** The file with the URL of a service, which exists while the service accepts requests. */
export interface ReadyFile {
  /** Writes one JSON object and a newline. */
  write(ready: object): Promise<void>;
  /** Removes the file, unless another process has replaced it. */
  remove(): Promise<void>;
}

/**
 * Removes the file of an earlier run, which would mislead a waiting script. Throws CONFIG when the file cannot be
 * written. Without a path, both methods do nothing.
 */
export async function prepareReadyFile(path: string | undefined): Promise<ReadyFile> {
  if (path === undefined) return { write: async () => undefined, remove: async () => undefined };
  await checkWritable(path, 'CONFIG');
  await rm(path, { force: true }).catch((error: unknown) => {
    throw new SwobError('CONFIG', `cannot remove ${path} of an earlier run: ${messageOf(error)}`, {
      cause: error,
    });
  });
  let written: string | undefined;
  return {
    write: async (ready) => {
      const text = `${JSON.stringify(ready)}\n`;
      await writeFileAtomic(path, text, 0o644);
      written = text;
    },
    remove: async () => {
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text !== undefined && text === written) await rm(path, { force: true });
    },
  };
}

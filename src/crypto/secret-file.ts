// Files that hold a secret and are created on the first start: completely or not at all, and never replaced. Used by
// server-keys.ts and admin-token.ts.

import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeReadError, messageOf, SwobError, systemErrorCode } from '../errors.ts';
import { createFileOnce } from '../lib/durable-files.ts';
import { makeFolder } from '../lib/folders.ts';

/** The file's text, or undefined when there is none. Throws CONFIG when it cannot be read; `what` names it. */
export async function readIfExists(what: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw new SwobError('CONFIG', `cannot read the ${what} ${file}: ${describeReadError(error)}`, {
      cause: error,
    });
  }
}

/**
 * Creates the file (mode 0600) and its folder. @returns its text: that of another process when it was faster.
 * Throws CONFIG, naming the file and [security].
 */
export async function createOrRead(what: string, file: string, text: string): Promise<string> {
  const created = await withWriteErrors(what, file, () => createFileOnce(file, text));
  return created ? text : ((await readIfExists(what, file)) ?? text);
}

/** Writes into a folder, which is created when needed. Throws CONFIG, with what to do, when that fails. */
export async function withWriteErrors<T>(what: string, file: string, write: () => Promise<T>): Promise<T> {
  try {
    await makeFolder(dirname(file));
    return await write();
  } catch (error) {
    throw new SwobError(
      'CONFIG',
      `cannot write the ${what} ${file}: ${messageOf(error)}; make its folder writable or change [security]`,
      { cause: error },
    );
  }
}

// Files that hold a secret and are made on the first start: whole or not at all, and never replaced. Used by
// keypair.ts and admin-token.ts, and by cli for files of its own.

import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { errnoOf, messageOf, SwobError } from '../errors.ts';
import { makeFolder } from '../folders.ts';

/** The file's text, or undefined when there is none. Throws CONFIG when it cannot be read; `what` names it. */
export async function readIfThere(what: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new SwobError('CONFIG', `cannot read the ${what} ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Makes the file (mode 0600) and its folder. @returns its text: that of another process when it was faster.
 * Throws CONFIG, naming the file and [security].
 */
export async function makeOnce(what: string, file: string, text: string): Promise<string> {
  const whole = `${file}.${randomUUID()}`;
  const mine = await whileWriting(what, file, async () => {
    try {
      await writeFileAtomic(whole, text, { mode: 0o600 });
      return await moveIfAbsent(whole, file);
    } finally {
      await rm(whole, { force: true });
    }
  });
  return mine ? text : ((await readIfThere(what, file)) ?? text);
}

/** A rename that never replaces: a link fails when the name is taken. Leaves `from` where it was then, or a second name of the file. */
export async function moveIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    // Some network and memory-card file systems have no links.
    await rename(from, to);
  }
  return true;
}

/** Writes into a folder that is made when needed; a failure is CONFIG and says what to do. */
export async function whileWriting<T>(what: string, file: string, write: () => Promise<T>): Promise<T> {
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

// Files that others wait for or keep secrets in: written whole under another name, then renamed, so
// that nobody ever reads half of one. Used by `serve`, `stub`, `sync pair` and `config init`.

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { messageOf, SwobError } from '../errors.ts';

/** Writes or replaces `path` in one step. Throws UNAVAILABLE, and leaves the old file, when that cannot be done. */
export async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  // Random and exclusive: in a folder that others can write to nobody can lay a link in its place.
  const temporary = `${path}.${randomBytes(8).toString('hex')}.tmp`;
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

/** Says in a file where a daemon can be reached, once it can: one JSON object and a line end. */
export async function writeReadyFile(path: string, ready: object): Promise<void> {
  await writeWhole(path, `${JSON.stringify(ready)}\n`, 0o644);
}

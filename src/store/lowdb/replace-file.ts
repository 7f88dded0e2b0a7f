// Puts a file in the place of another, whole or not at all. Used by disk.ts.
//
// Not write-file-atomic, whose 18 calls of the system (each folder of the path, its owner, a temporary file that is
// removed even after it was renamed) were a quarter of what a pairing costs; and it takes a short write for a whole one.

import fs from 'node:fs';
import { open, unlink } from 'node:fs/promises';

/**
 * On disk when this resolves, but for the folder's entry; the mode is 0600. `temporary` is a name beside it that nobody
 * else uses now. Throws the system's error.
 */
export async function replaceFile(
  file: string,
  text: string | Iterable<string>,
  temporary: string,
): Promise<void> {
  try {
    await writeNew(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function writeNew(file: string, text: string | Iterable<string>): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    for (const part of typeof text === 'string' ? [text] : text) {
      const bytes = Buffer.from(part);
      // A disk that is nearly full takes a part, and says so only the next time.
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, at);
        if (bytesWritten === 0) throw new Error(`the disk takes nothing of ${file} and does not say why`);
        at += bytesWritten;
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const rename = (from: string, to: string): Promise<void> =>
  new Promise((resolve, reject) => fs.rename(from, to, (error) => (error ? reject(error) : resolve())));

// The prototype of file handles, for tests that replace what a disk does.

import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';

export async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(tmpdir());
  await handle.close();
  return Object.getPrototypeOf(handle);
}

// A file that grows on a disk that takes a write in parts, or takes nothing of it and reports no error.

import type { FileHandle } from 'node:fs/promises';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openAppendFile } from '../../../src/store/lowdb/append-file.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { temporaryFolder } from '../../support/folders.ts';

test('completes a write that the disk takes in parts, and fails when it never does', async () => {
  const path = join(temporaryFolder(), 'journal');
  const file = await openAppendFile(path, 0, () => {});
  onTestFinished(() => file.close());
  const prototype = await fileHandlePrototype();
  const write: unknown = prototype.write;
  const disk = vi.spyOn(prototype, 'write').mockImplementation(async function (
    this: FileHandle,
    ...args: unknown[]
  ) {
    return Reflect.apply(write as () => unknown, this, [args[0], args[1], 1]);
  } as never);
  onTestFinished(() => disk.mockRestore());
  await file.append(Buffer.from('whole'));
  expect(await readFile(path, 'utf8')).toBe('whole');
  let tries = 0;
  disk.mockImplementation(async () => {
    if (++tries > 10) throw new Error('it is tried again and again');
    return { bytesWritten: 0, buffer: Buffer.alloc(0) } as never;
  });
  const failing = file.append(Buffer.from('more'));
  await expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(failing).rejects.toThrow('accepts no more bytes');
});

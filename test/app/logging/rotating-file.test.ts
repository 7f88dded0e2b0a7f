// A log file on a disk that takes a part of a write, and then nothing, without an error.

import type { FileHandle } from 'node:fs/promises';
import { readFile } from 'node:fs/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createRotatingFile } from '../../../src/app/logging/rotating-file.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { temporaryFolder } from '../../support/folders.ts';

test('fails instead of trying for ever, and leaves nothing of the line', async () => {
  const file = createRotatingFile({
    folder: temporaryFolder(),
    name: 'gateway',
    limits: { maxFileBytes: 1_000, maxCount: 1, accumulatedBytes: 10_000, maxAgeMs: 86_400_000 },
    clock: createFakeClock(Date.now()),
    onMaintenanceError: () => undefined,
  });
  await file.append(Buffer.from('whole\n'));
  const prototype = await fileHandlePrototype();
  const write: unknown = prototype.write;
  let writes = 0;
  const disk = vi.spyOn(prototype, 'write').mockImplementation(async function (
    this: FileHandle,
    ...args: unknown[]
  ) {
    writes += 1;
    if (writes === 1) return Reflect.apply(write as () => unknown, this, [args[0], args[1], 1]);
    if (writes > 10) throw new Error('it is tried again and again');
    return { bytesWritten: 0, buffer: args[0] };
  } as never);
  onTestFinished(() => disk.mockRestore());
  await expect(file.append(Buffer.from('not whole\n'))).rejects.toThrow('accepts no more bytes');
  expect(await readFile(file.path, 'utf8')).toBe('whole\n');
  disk.mockRestore();
  await file.append(Buffer.from('later\n'));
  expect(await readFile(file.path, 'utf8')).toBe('whole\nlater\n');
  await file.release();
});

// The reading of files that are replaced while swob runs.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSmallFile } from '../../src/app/file-watcher.ts';
import { temporaryFolder } from '../support/folders.ts';

test('a small file is read; a missing or too large one fails with the same error each time', async () => {
  const file = join(temporaryFolder(), 'public.pem');
  // The failing system call used to vary, so that the same error was logged twice.
  await expect(readSmallFile(file, 4)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' });
  writeFileSync(file, 'four');
  expect(await readSmallFile(file, 4)).toBe('four');
  await expect(readSmallFile(file, 3)).rejects.toThrow('it is larger than 3 bytes');
});

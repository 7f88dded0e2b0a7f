// The reading of files that are replaced while swob runs.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSmallFile } from '../../src/app/watched-files.ts';
import { temporaryFolder } from '../support/folders.ts';

test('a small file is read; one that is missing or too large is the same fault at every look', async () => {
  const file = join(temporaryFolder(), 'public.pem');
  // Told by another system call now and then, one fault was logged twice.
  await expect(readSmallFile(file, 4)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open' });
  writeFileSync(file, 'four');
  expect(await readSmallFile(file, 4)).toBe('four');
  await expect(readSmallFile(file, 3)).rejects.toThrow('it is larger than 3 bytes');
});

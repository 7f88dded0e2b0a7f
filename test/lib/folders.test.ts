// Creating folders: nested ones, existing ones, and impossible ones.

import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/lib/folders.ts';
import { temporaryFolder } from '../support/folders.ts';

test('creates missing folders for the owner only, and accepts existing ones', async () => {
  const deep = join(temporaryFolder(), 'a', 'b', 'c');
  await makeFolder(deep);
  await makeFolder(deep);
  expect((await stat(deep)).mode & 0o777).toBe(0o700);
});

test('names the file that is in place of a folder', async () => {
  const file = join(temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('fails when a parent accepts no folders (mkdir itself would never return)', async () => {
  await expect(makeFolder('/proc/swob/deep')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('concurrent calls with the same parents', async () => {
  for (let round = 0; round < 20; round++) {
    const above = join(temporaryFolder(), 'a', 'b');
    const folders = Array.from({ length: 20 }, (_, index) => join(above, String(index)));
    await Promise.all(folders.map((folder) => makeFolder(folder)));
    for (const folder of folders) expect((await stat(folder)).isDirectory()).toBe(true);
  }
});

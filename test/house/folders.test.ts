// Making folders: deep ones, those that are there, and those that cannot be.

import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/folders.ts';
import { temporaryFolder } from '../support/folders.ts';

test('makes what is missing, for its owner only, and is content with what is there', async () => {
  const deep = join(temporaryFolder(), 'a', 'b', 'c');
  await makeFolder(deep);
  await makeFolder(deep);
  expect((await stat(deep)).mode & 0o777).toBe(0o700);
});

test('says what is in the way', async () => {
  const file = join(temporaryFolder(), 'file');
  await writeFile(file, '');
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('gives up where a folder above takes no new ones (mkdir itself would go on for ever)', async () => {
  await expect(makeFolder('/proc/swob/deep')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('many at once that need the same folders above', async () => {
  for (let round = 0; round < 20; round++) {
    const above = join(temporaryFolder(), 'a', 'b');
    const folders = Array.from({ length: 20 }, (_, index) => join(above, String(index)));
    await Promise.all(folders.map((folder) => makeFolder(folder)));
    for (const folder of folders) expect((await stat(folder)).isDirectory()).toBe(true);
  }
});

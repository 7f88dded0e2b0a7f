// Many files that are written and then synced together: few are open at once, and none is left open by a failure.

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { syncTogether } from '../../../src/store/lowdb/sync-together.ts';
import { temporaryFolder } from '../../support/folders.ts';

/** Opens files whose `datasync` fails after `syncs` calls, and counts those that are open. */
function createFiles(syncs = Number.POSITIVE_INFINITY) {
  const folder = temporaryFolder();
  const counts = { open: 0, most: 0, synced: 0 };
  const write = async (name: number) => {
    const file = join(folder, `${name}`);
    const handle: FileHandle = await open(file, 'wx');
    const { close, datasync } = handle;
    counts.most = Math.max(counts.most, ++counts.open);
    handle.close = () => {
      counts.open--;
      return close.call(handle);
    };
    handle.datasync = async () => {
      if (counts.synced >= syncs) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      counts.synced++;
      return datasync.call(handle);
    };
    return { file, handle };
  };
  return { counts, write };
}

const numbers = Array.from({ length: 150 }, (_, n) => n);

test('syncs and closes every file, with few open at the same time', async () => {
  const { counts, write } = createFiles();
  await syncTogether(numbers, write);
  expect(counts).toMatchObject({ open: 0, synced: 150 });
  expect(counts.most).toBeLessThan(70);
});

test.each([0, 1, 70, 149])(
  'closes every file when a sync fails after %d others, and names the file',
  async (syncs) => {
    const { counts, write } = createFiles(syncs);
    await expect(syncTogether(numbers, write)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/^cannot sync .+: EIO/),
    });
    expect(counts.open).toBe(0);
  },
);

test('closes every file when one cannot be written', async () => {
  const { counts, write } = createFiles();
  const failing = (n: number) => (n === 100 ? Promise.reject(new Error('ENOSPC')) : write(n));
  await expect(syncTogether(numbers, failing)).rejects.toThrow('ENOSPC');
  expect(counts.open).toBe(0);
});

// The files of the index of user ids: which log gets an id while another log is begun.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createDisk } from '../../../src/store/lowdb/disk.ts';
import { createUserIdFiles } from '../../../src/store/lowdb/user-id-files.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { openFiles } from '../../support/open-files.ts';

test('an id that is added after a log was begun is in that log, also while the former one is being opened', async () => {
  const folder = temporaryFolder();
  const disk = createDisk(folder, () => {});
  let begin = (): void => {};
  const files = createUserIdFiles({
    ...disk,
    openAppend: async (name, size) => {
      const opened = await disk.openAppend(name, size);
      begin();
      return opened;
    },
  });
  onTestFinished(() => files.close());
  files.openLog(1);
  begin = () => files.openLog(2);
  await files.log('first');
  begin = () => {};
  await files.log('second');
  expect(await readFile(join(folder, 'user-ids/2.log'), 'utf8')).toContain('second');
  expect(await files.readLogs(2)).toEqual(['second']);
  await files.close();
  expect(openFiles(folder)).toEqual([]);
});

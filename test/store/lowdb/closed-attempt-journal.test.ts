// The journal of attempts takes no line after it was closed, which would open its file again: an attempt may end while the store closes.

import { expect, test } from 'vitest';
import { openAttemptJournal } from '../../../src/store/lowdb/attempt-journal.ts';
import { failOnDamage } from '../../../src/store/lowdb/damaged-files.ts';
import { createDisk } from '../../../src/store/lowdb/disk.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { openFiles } from '../../support/open-files.ts';

interface Entry {
  readonly id: string;
}

test('no file is open or made after the close', async () => {
  const folder = temporaryFolder();
  const journal = await openAttemptJournal<Entry>({
    disk: createDisk(folder, () => {}),
    log: createMemoryLog(),
    damage: failOnDamage,
    name: 'attempts',
    isRecord: (value): value is Entry => typeof value === 'object' && value !== null && 'id' in value,
  });
  await journal.add({ id: 'a' });
  journal.done('a');
  await journal.close();
  for (const id of ['b', 'c'])
    await expect(journal.add({ id })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(openFiles(folder)).toEqual([]);
  expect(await filesIn(folder)).toEqual([]);
});

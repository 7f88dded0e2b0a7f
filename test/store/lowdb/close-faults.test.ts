// A lowdb store that cannot write its last changes, or cannot be opened, closes its files nevertheless: Node 26 ends a process in
// which an open file is collected as garbage.

import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { entry } from '../../contract/outboxes.ts';
import { storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { openFiles } from '../../support/open-files.ts';
import { crashImage, fillDisk, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('no file stays open when the disk is full at the end', async () => {
  const { store, folder } = await openStore();
  await store.seeds.ping({ imsi: '1', msisdn: '1', seedType: 'seed', lps: 1 });
  await store.inbound.putClaimed({ ...entry, attemptStartedAt: 1 });
  expect(openFiles(folder)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\/lps\//),
      expect.stringMatching(/^\/attempts-inbound\//),
    ]),
  );
  fillDisk();
  await expect(store.close()).rejects.toThrow();
  expect(openFiles(folder)).toEqual([]);
});

test('no file stays open when the last part of the store cannot be opened', async () => {
  const { store, folder } = await openStore();
  await store.seeds.ping({ imsi: '1', msisdn: '1', seedType: 'seed', lps: 1 });
  await store.inbound.putClaimed({ ...entry, attemptStartedAt: 1 });
  const image = await crashImage(folder);
  // The lock of a long path keeps its folder open.
  const long = join(temporaryFolder(), 'a'.repeat(100));
  await cp(image, long, { recursive: true });
  await rm(join(long, 'limits'), { recursive: true, force: true });
  await writeFile(join(long, 'limits'), 'in the way');
  await expect(openStore({ folder: long })).rejects.toThrow('limits');
  expect(openFiles(long)).toEqual([]);
});

test('a start that has failed writes no file later, when another process may own the folder', async () => {
  const { store, folder } = await openStore();
  await store.users.put(user);
  const image = await crashImage(folder);
  await rm(join(image, 'limits'), { recursive: true, force: true });
  await writeFile(join(image, 'limits'), 'in the way');
  const clock = createFakeClock();
  const log = createMemoryLog();
  const opening = openLowdbStore({ ...storeOptions(clock), log, folder: image });
  await expect(opening).rejects.toThrow('limits');
  // When the users of the journal would be written.
  clock.advance(10_000);
  await vi.waitFor(() => expect(JSON.stringify(log.lines)).toContain('the store is closed'));
  expect(await filesIn(image)).not.toContain(recordName('users', user.userId));
});

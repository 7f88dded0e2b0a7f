// The audit trail of a folder: how it is read.

import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { disconnectOf } from '../../contract/disconnects.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('a list of many records is read in several turns of the event loop', async () => {
  const clock = createFakeClock();
  const options = {
    ...storeOptions(clock),
    disconnects: { ttlMs: 60_000, max: 10_000, maxUntrusted: 20 },
    log: createMemoryLog(),
    folder: temporaryFolder(),
  };
  const store = await openLowdbStore(options);
  const records = Array.from({ length: 900 }, (_, n) => disconnectOf(clock.now() + n));
  await Promise.all(records.map((record) => store.disconnects.add(record)));
  const turns = vi.spyOn(globalThis, 'setImmediate');
  const { records: found } = await store.disconnects.list({}, { limit: 3 });
  expect(turns.mock.calls.length).toBeGreaterThanOrEqual(8);
  expect(found).toEqual(records.slice(-3).reverse());
  await store.close();
});

test.runIf(process.platform === 'linux')('a list names what cannot be read, and has the rest', async () => {
  const { store, folder, clock, log } = await openStore();
  const records = Array.from({ length: 12 }, (_, n) => disconnectOf(clock.now() + n));
  for (const record of records) await store.disconnects.add(record);
  const [damaged, unreadable] = [1, 2].map((n) => join(folder, 'disconnects', `${n}.ndjson`));
  await writeFile(damaged ?? '', (await readFile(damaged ?? '', 'utf8')).replace('alice', 'alicf'));
  await rm(unreadable ?? '');
  // Reading it fails with EIO.
  await symlink('/proc/self/mem', unreadable ?? '');
  const { records: found } = await store.disconnects.list({}, { limit: 20 });
  expect(found).toEqual([...records.slice(1, 4), ...records.slice(8)].toReversed());
  expect(log.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  for (const file of [`${damaged} line 2`, unreadable]) expect(JSON.stringify(log.lines)).toContain(file);
});

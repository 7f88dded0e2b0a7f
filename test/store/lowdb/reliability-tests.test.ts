// Reliability tests in a folder.

import { afterEach, expect, test, vi } from 'vitest';
import { openLowdbArchive } from '../../../src/store/lowdb/archive.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { fillDiskHalfway, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('a test that the disk has not taken is unknown, and so is a change of one', async () => {
  const { store, clock } = await openStore();
  const first = { id: 1, msisdn: '+1', startedAt: clock.now() };
  await store.tests.add(first);
  const full = await fillDiskHalfway();
  await expect(store.tests.add({ ...first, id: 2 })).rejects.toThrow('ENOSPC');
  await expect(store.tests.replace({ ...first, cancelled: true }, first)).rejects.toThrow('ENOSPC');
  full.mockRestore();
  expect(await store.tests.get(2)).toBeUndefined();
  expect(await store.tests.list('+1')).toEqual([first]);
  expect(await store.tests.add({ ...first, id: 2 })).toBe(true);
});

test('of two tests with the same id, at the same moment, one is added', async () => {
  const { store, clock } = await openStore();
  const first = { id: 1, msisdn: '+1', startedAt: clock.now() };
  const both = [store.tests.add(first), store.tests.add({ ...first, msisdn: '+2' })];
  expect(await Promise.all(both)).toEqual([true, false]);
  expect(await store.tests.get(1)).toEqual(first);
});

test('an import does not extend the time for which a test is kept', async () => {
  const clock = createFakeClock();
  const folder = temporaryFolder();
  const record = { id: 1, msisdn: '+1', startedAt: clock.now() };
  clock.advance(40_000);
  const archive = await openLowdbArchive({ ...storeOptions(clock), folder });
  await archive.restore({ kind: 'tests', record });
  await archive.close();
  const { store } = await openStore({ folder, clock });
  clock.advance(19_999);
  expect(await store.tests.get(1)).toEqual(record);
  clock.advance(1);
  expect(await store.tests.get(1)).toBeUndefined();
});

test('a change does not extend the time for which a test is kept, not even over a restart', async () => {
  const { store, folder, clock } = await openStore();
  const first = { id: 1, msisdn: '+1', startedAt: clock.now() };
  await store.tests.add(first);
  clock.advance(40_000);
  await store.tests.replace({ ...first, routedAt: clock.now() }, first);
  await store.close();
  const { store: after } = await openStore({ folder, clock });
  clock.advance(20_000);
  expect(await after.tests.get(1)).toBeUndefined();
});

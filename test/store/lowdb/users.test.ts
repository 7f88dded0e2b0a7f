// User records are cached for ten seconds after they were read or written, and are never older than the last write. What
// the journal does until they are in files: user-journal.test.ts.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { user } from '../../contract/store.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { fillDiskHalfway, openStore, writeRecordTo } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** The user is in a file, and not in the journal. */
async function openWithUser() {
  const { store, folder } = await openStore();
  await store.users.put(user);
  await store.close();
  const opened = await openStore({ folder });
  const file = join(opened.folder, recordName('users', user.userId));
  return { ...opened, file, get: async () => opened.store.users.get(user.userId) };
}

test('a change by an operator takes effect within ten minutes', async () => {
  const { clock, file, get } = await openWithUser();
  expect(await get()).toEqual(user);
  const changed = { ...user, sharedKey: 'f'.repeat(32) };
  await writeRecordTo(file, changed);
  clock.advance(599_999);
  expect(await get()).toEqual(user);
  clock.advance(1);
  expect(await get()).toEqual(changed);
  await rm(file);
  clock.advance(600_000);
  expect(await get()).toBeUndefined();
});

test('does not read a user who has just paired', async () => {
  const { store } = await openStore();
  await store.users.put(user);
  const reads = vi.spyOn(await fileHandlePrototype(), 'read');
  expect(await store.users.get(user.userId)).toEqual(user);
  expect(reads).not.toHaveBeenCalled();
});

test('does not cache that a user is unknown', async () => {
  const { file, store, get } = await openWithUser();
  await rm(file);
  expect(await get()).toBeUndefined();
  await writeRecordTo(file, user);
  expect(await get()).toEqual(user);
  await store.close();
});

test('a write takes effect immediately, also for concurrent reads', async () => {
  const { store, get } = await openWithUser();
  for (let round = 0; round < 50; round++) {
    const sharedKey = String(round).padStart(32, '0');
    await Promise.all([get(), store.users.put({ ...user, sharedKey }), get()]);
    expect((await get())?.sharedKey).toBe(sharedKey);
  }
});

test('a failed write leaves the earlier record in effect', async () => {
  const { store, get } = await openWithUser();
  expect(await get()).toEqual(user);
  const disk = await fillDiskHalfway();
  await expect(store.users.put({ ...user, sharedKey: 'new' })).rejects.toThrow('ENOSPC');
  disk.mockRestore();
  expect(await get()).toEqual(user);
});

test('a closed store does not answer from its cache', async () => {
  const { store, get } = await openWithUser();
  await get();
  await store.close();
  await expect(get()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

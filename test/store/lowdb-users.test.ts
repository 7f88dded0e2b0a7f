// User records are remembered for ten seconds after they were read or written, and never older than the last write.

import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recordName } from '../../src/store/lowdb/record.ts';
import { user } from '../contract/store.ts';
import { fillDisk, openStore } from './lowdb-support.ts';

async function openWithUser() {
  const opened = await openStore();
  await opened.store.users.put(user);
  const file = join(opened.folder, recordName('users', user.userId));
  return { ...opened, file, get: () => opened.store.users.get(user.userId) };
}

test('what an operator changes by hand counts after ten seconds at the latest', async () => {
  const { clock, file, get } = await openWithUser();
  expect(await get()).toEqual(user);
  const changed = { ...user, sharedKey: 'f'.repeat(32) };
  await writeFile(file, JSON.stringify(changed));
  clock.advance(9_999);
  expect(await get()).toEqual(user);
  clock.advance(1);
  expect(await get()).toEqual(changed);
  await rm(file);
  clock.advance(10_000);
  expect(await get()).toBeUndefined();
});

test('a user who has just paired is not read again', async () => {
  const { clock, file, get } = await openWithUser();
  await rm(file);
  clock.advance(9_999);
  expect(await get()).toEqual(user);
});

test('nobody is not remembered', async () => {
  const { clock, file, store, get } = await openWithUser();
  await rm(file);
  clock.advance(10_000);
  expect(await get()).toBeUndefined();
  await writeFile(file, JSON.stringify(user));
  expect(await get()).toEqual(user);
  await store.close();
});

test('a write counts at once, whoever read while it was under way', async () => {
  const { store, get } = await openWithUser();
  for (let round = 0; round < 50; round++) {
    const sharedKey = String(round).padStart(32, '0');
    await Promise.all([get(), store.users.put({ ...user, sharedKey }), get()]);
    expect((await get())?.sharedKey).toBe(sharedKey);
  }
});

test('after a write that failed the earlier record counts', async () => {
  const { store, get } = await openWithUser();
  expect(await get()).toEqual(user);
  const disk = fillDisk();
  await expect(store.users.put({ ...user, sharedKey: 'new' })).rejects.toThrow('ENOSPC');
  disk.mockRestore();
  expect(await get()).toEqual(user);
});

test('a store that is closed answers from memory no more', async () => {
  const { store, get } = await openWithUser();
  await get();
  await store.close();
  await expect(get()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

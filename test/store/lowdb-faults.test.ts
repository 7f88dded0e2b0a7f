import fs from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { recordName } from '../../src/store/lowdb/record.ts';
import { seed, user } from '../contract/store.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { crashImage, fillDisk, lpsOnDisk, openStore } from './lowdb-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('X7: a damaged file is named, and never taken for an empty one', () => {
  const otherUser = JSON.stringify({ ...user, userId: 'someone else' });
  const { sharedKey: _, ...withoutKey } = user;
  test.each([
    ['empty', ''],
    ['cut short', JSON.stringify(user).slice(0, -20)],
    ['not JSON', '\u0000\u0000\u0000\u0000'],
    ['null', 'null'],
    ['a list', '[]'],
    ['without its key', JSON.stringify(withoutKey)],
    ["another user's", otherUser],
  ])('user record: %s', async (_name, text) => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    const file = join(folder, recordName('users', user.userId));
    await writeFile(file, text);
    // Until then what was written is remembered.
    clock.advance(10_000);
    for (const attempt of [() => store.users.get(user.userId), () => store.users.put(user)]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(attempt()).rejects.toThrow(`${file} is damaged`);
      await expect(attempt()).rejects.toThrow('restore it from a backup or remove it');
      await expect(attempt()).rejects.not.toThrow(user.sharedKey);
    }
    expect(await readFile(file, 'utf8')).toBe(text);
    await store.users.put({ ...user, userId: 'the next' });
    await rm(file);
    await store.users.put(user);
    expect(await store.users.get(user.userId)).toEqual(user);
  });

  test.each([
    ['cut short', '{"imsi":"62401'],
    ['of a wrong type', JSON.stringify({ ...seed, seedType: 'gateway' })],
    ["another IMSI's", JSON.stringify({ ...seed, imsi: '1' })],
  ])('seed record: %s', async (_name, text) => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(seed);
    const image = await crashImage(folder);
    const file = join(image, recordName('seeds', seed.imsi));
    await writeFile(file, text);
    const after = await openStore({ folder: image, clock });
    await expect(after.store.seeds.get(seed.imsi)).rejects.toThrow(`${file} is damaged`);
    await expect(after.store.seeds.ping(seed)).rejects.toThrow(`${file} is damaged`);
    expect(await readFile(file, 'utf8')).toBe(text);
    await after.store.seeds.ping({ ...seed, imsi: '624010000000002' });
  });

  test.each([
    ['lps.json', '{"62401'],
    ['lps.json', '{"62401":"1"}'],
    ['meta.json', ''],
    ['meta.json', '{"format":"1"}'],
    [recordName('seeds', seed.imsi), '{'],
  ])('%s holding %j: the store does not open, and does when it is repaired', async (name, text) => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    await store.close();
    const file = join(folder, name);
    const good = await readFile(file, 'utf8');
    await writeFile(file, text);
    const opening = openStore({ folder, clock });
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(opening).rejects.toThrow(`${file} is damaged`);
    expect(await readFile(file, 'utf8')).toBe(text);
    await writeFile(file, good);
    const again = await openStore({ folder, clock });
    expect(await again.store.seeds.active(20_000)).toHaveLength(1);
  });
});

describe('X7: a disk that refuses', () => {
  test('a failed put is told, and leaves the earlier record', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    const disk = fillDisk();
    const failing = store.users.put({ ...user, sharedKey: 'new' });
    await expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(failing).rejects.toThrow(/ENOSPC/);
    await expect(failing).rejects.toThrow(folder);
    expect(await store.users.get(user.userId)).toEqual(user);
    disk.mockRestore();
    expect(await filesIn(join(folder, 'users'))).toHaveLength(1);
    await store.users.put({ ...user, sharedKey: 'new' });
    expect(await store.users.get(user.userId)).toEqual({ ...user, sharedKey: 'new' });
  });

  test('a failed registration registers nothing and takes no place', async () => {
    const { store } = await openStore();
    const disk = fillDisk();
    for (let n = 0; n < 300; n++) {
      await expect(store.seeds.ping({ ...seed, imsi: `62401${n}` })).rejects.toThrow('ENOSPC');
    }
    expect(await store.seeds.active(20_000)).toEqual([]);
    expect(await store.seeds.get('624010')).toBeUndefined();
    disk.mockRestore();
    await store.seeds.ping(seed);
    expect(await store.seeds.active(20_000)).toEqual([seed]);
  });

  test('a failed change of number leaves the earlier one, in memory too', async () => {
    const { store } = await openStore();
    await store.seeds.ping(seed);
    fillDisk();
    await expect(store.seeds.ping({ ...seed, msisdn: '+1', lps: 2 })).rejects.toThrow('ENOSPC');
    expect(await store.seeds.active(20_000)).toEqual([seed]);
    expect(await store.seeds.get(seed.imsi)).toEqual(seed);
  });

  test('when LPS cannot be flushed pings are refused until they can, logged once, tried each second', async () => {
    const { store, folder, clock, log } = await openStore();
    await store.seeds.ping(seed);
    await mkdir(join(folder, 'lps.json', 'in the way'), { recursive: true });
    clock.advance(1_000);
    await vi.waitFor(() => expect(log.lines).toContainEqual(expect.objectContaining({ level: 'error' })));
    const refused = store.seeds.ping({ ...seed, lps: 2 });
    await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(refused).rejects.toThrow(join(folder, 'lps.json'));
    await expect(store.seeds.ping({ ...seed, imsi: '624010000000002' })).rejects.toThrow(folder);

    const rename = vi.spyOn(fs, 'rename');
    for (const tries of [1, 2, 3]) {
      await vi.waitFor(() => {
        clock.advance(1_000);
        expect(rename.mock.calls.length).toBeGreaterThanOrEqual(tries);
      });
    }
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);

    await rm(join(folder, 'lps.json'), { recursive: true });
    await vi.waitFor(async () => {
      clock.advance(1_000);
      await store.seeds.ping({ ...seed, lps: 3 });
    });
    expect(log.lines.filter(({ level }) => level === 'info')).toHaveLength(1);
    await store.close();
    expect(await lpsOnDisk(folder)).toEqual({ [seed.imsi]: 3 });
  });

  test('a close that cannot write says so, and lets go of the lock all the same', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(seed);
    await mkdir(join(folder, 'lps.json', 'in the way'), { recursive: true });
    await expect(store.close()).rejects.toThrow(join(folder, 'lps.json'));
    await rm(join(folder, 'lps.json'), { recursive: true });
    await openStore({ folder, clock });
  });

  test.each(['a file in place of the folder', 'a file in place of a folder above', 'a link to nowhere'])(
    '%s: does not open, names the folder',
    async (obstacle) => {
      const parent = temporaryFolder();
      const folder = obstacle.endsWith('above') ? join(parent, 'file', 'store') : join(parent, 'file');
      if (obstacle.startsWith('a file')) await writeFile(join(parent, 'file'), '');
      else await symlink('/proc/nowhere', folder);
      const opening = openStore({ folder });
      const code = obstacle === 'a link to nowhere' ? 'UNAVAILABLE' : 'CONFIG';
      await expect(opening).rejects.toMatchObject({ name: 'SwobError', code });
      await expect(opening).rejects.toThrow(folder);
    },
  );

  test('a file in place of users/ fails the put by name, and nothing else', async () => {
    const { store, folder } = await openStore();
    await writeFile(join(folder, 'users'), '');
    await expect(store.users.put(user)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.users.put(user)).rejects.toThrow(join(folder, 'users'));
    await store.seeds.ping(seed);
    await rm(join(folder, 'users'));
    await store.users.put(user);
    expect(await store.users.get(user.userId)).toEqual(user);
  });
});

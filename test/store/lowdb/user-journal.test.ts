// The journal of users: shared syncs, what is in memory until the files are written, and what a kill, a full disk or a copy
// of the folder leaves. Power cuts: user-power-cuts.test.ts.

import fs from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { checkIntegrity } from '../../../src/store/lowdb/integrity-check.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { user } from '../../contract/store.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { filesIn } from '../../support/folders.ts';
import { crashImage, fillDisk, openStore, recordIn, writeRecordTo } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const many = (count: number) => Array.from({ length: count }, (_, n) => ({ ...user, userId: `user ${n}` }));
const fileOf = (folder: string, userId = user.userId) => join(folder, recordName('users', userId));
const journal = (folder: string) => readdir(join(folder, 'user-journal'));
const changed = { ...user, sharedKey: 'second' };

/** Ten seconds after a change the files are written. */
const untilFiled = (clock: { advance(ms: number): void }, folder: string, userId = user.userId) => {
  clock.advance(10_000);
  return vi.waitFor(() => recordIn(fileOf(folder, userId)), { interval: 5 });
};

describe('concurrent pairings', () => {
  test('of 50 users share a few syncs', async () => {
    const { store } = await openStore();
    await store.users.put(user);
    const prototype = await fileHandlePrototype();
    const syncs = vi.spyOn(prototype, 'sync');
    const dataSyncs = vi.spyOn(prototype, 'datasync');
    await Promise.all(many(50).map((each) => store.users.put(each)));
    expect(syncs.mock.calls.length + dataSyncs.mock.calls.length).toBeLessThan(5);
  });

  test('of one user write its file once', async () => {
    const { store, folder, clock } = await openStore();
    for (let n = 0; n < 20; n++) await store.users.put({ ...user, sharedKey: `${n}` });
    const rename = vi.spyOn(fs.promises, 'rename');
    expect(await untilFiled(clock, folder)).toMatchObject({ sharedKey: '19', revision: 20 });
    expect(rename.mock.calls.filter(([, to]) => to === fileOf(folder))).toHaveLength(1);
  });
});

describe('a change that no file has yet', () => {
  test('is read, listed and compared with', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    expect(await store.users.list('', 10)).toEqual({ users: [user], next: undefined });
    expect(await store.users.replace(changed, undefined)).toBe(false);
    expect(await store.users.replace(changed, user)).toBe(true);
    expect(await store.users.getDurable(user.userId)).toEqual(changed);
    expect(await filesIn(folder)).not.toContain(recordName('users', user.userId));
  });

  test('stays listed once it is in a file, however it was found first', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    await store.users.list('', 10);
    await untilFiled(clock, folder);
    await store.users.put({ ...user, userId: 'later' });
    expect((await store.users.list('', 10)).users).toHaveLength(2);
  });

  test('is found in the journal after a kill, also when the start is killed too', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    await store.users.put(changed);
    const image = await crashImage(folder);
    const { store: second } = await openStore({ folder: image });
    expect(await second.users.get(user.userId)).toEqual(changed);
    const { store: third, folder: last } = await openStore({ folder: await crashImage(image) });
    expect(await third.users.get(user.userId)).toEqual(changed);
    await third.close();
    expect(await recordIn(fileOf(last))).toEqual({ ...changed, revision: 2 });
  });

  test('is written to its file by a stop, which leaves no journal', async () => {
    const { store, folder, clock } = await openStore();
    await Promise.all(many(20).map((each) => store.users.put(each)));
    await store.close();
    expect(await journal(folder)).toEqual([]);
    const again = await openStore({ folder, clock });
    expect(again.log.lines).toEqual([]);
    expect((await again.store.users.list('', 30)).users).toHaveLength(20);
  });

  test('stays in the journal when a stop has no time for its file', async () => {
    const { store, folder, clock } = await openStore();
    await Promise.all(many(20).map((each) => store.users.put(each)));
    const { rename } = fs.promises;
    const slow = vi.spyOn(fs.promises, 'rename').mockImplementation(async (from, to) => {
      clock.advance(1_000);
      await rename(from, to);
    });
    await store.close();
    slow.mockRestore();
    expect(await journal(folder)).toEqual(['1.ndjson']);
    const again = await openStore({ folder, clock });
    expect(again.log.lines).toEqual([]);
    expect((await again.store.users.list('', 30)).users).toHaveLength(20);
  });
});

describe('a former key', () => {
  const textOf = async (folder: string): Promise<string> => {
    const files = (await journal(folder)).map((name) => readFile(join(folder, 'user-journal', name), 'utf8'));
    return (await Promise.all(files)).join('');
  };
  /** The files are synced some moments after they can be read, and nothing leaves the journal before. */
  const untilGone = (clock: { advance(ms: number): void }, folder: string) =>
    vi.waitFor(
      async () => {
        clock.advance(5 * 60_000);
        expect(await textOf(folder)).not.toContain('former');
      },
      { interval: 5 },
    );
  const former = { ...user, sharedKey: 'former' };

  test('leaves the journal some minutes after the file has the new one, also when nobody pairs any more', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(former);
    await store.users.put(changed);
    await untilFiled(clock, folder);
    expect(await textOf(folder)).toContain('former');
    await untilGone(clock, folder);
    await store.users.put({ ...user, userId: 'later' });
    const { store: after, log } = await openStore({ folder: await crashImage(folder) });
    expect(await after.users.get(user.userId)).toEqual(changed);
    expect(await after.users.get('later')).toEqual({ ...user, userId: 'later' });
    expect(log.lines).toEqual([]);
  });

  test('leaves it also while others keep pairing, and a line that no file has yet stays', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(former);
    await store.users.put(changed);
    await untilFiled(clock, folder);
    clock.advance(5 * 60_000 - 10_001);
    await store.users.put({ ...user, userId: 'other' });
    clock.advance(1);
    await vi.waitFor(async () => expect(await journal(folder)).toHaveLength(2), { interval: 5 });
    const { store: after } = await openStore({ folder: await crashImage(folder) });
    expect(await after.users.get('other')).toEqual({ ...user, userId: 'other' });
    await untilFiled(clock, folder, 'other');
    await store.users.put({ ...user, userId: 'third' });
    await untilGone(clock, folder);
  });

  test('stays while files cannot be written, without a new segment each time', async () => {
    const { store, folder, clock, log } = await openStore();
    await store.users.put(former);
    const renames = fillDisk();
    clock.advance(10_000);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    clock.advance(5 * 60_000);
    renames.mockRestore();
    expect(await journal(folder)).toEqual(['1.ndjson']);
  });
});

describe('the newer of a line and a file', () => {
  /** A journal with the line of `user`, beside a store that has other files. */
  async function withOldJournal(): Promise<{ folder: string; line: string }> {
    const { store, folder } = await openStore();
    await store.users.put(user);
    const image = await crashImage(folder);
    return { folder: image, line: await readFile(join(image, 'user-journal', '1.ndjson'), 'utf8') };
  }

  test('is the file, when a copy of a running store has read the journal earlier', async () => {
    const { folder, line } = await withOldJournal();
    const { store, clock } = await openStore({ folder });
    await store.users.put(changed);
    await store.close();
    await writeFile(join(folder, 'user-journal', '1.ndjson'), line);
    // As after a kill.
    const { store: after } = await openStore({ folder: await crashImage(folder), clock });
    expect(await after.users.get(user.userId)).toEqual(changed);
  });

  test('is the line, when the file is older, damaged or missing', async () => {
    const { folder } = await withOldJournal();
    const older = { ...user, sharedKey: 'older' };
    const damages = [
      async (file: string) => writeRecordTo(file, older),
      async (file: string) => writeFile(file, ''),
      async (file: string) => writeFile(file, withChecksum(JSON.stringify(older)).replace('older', 'oldes')),
      async (file: string) => rm(file),
    ];
    for (const damage of damages) {
      const image = await crashImage(folder);
      await mkdir(join(fileOf(image), '..'), { recursive: true });
      await writeRecordTo(fileOf(image), older);
      await damage(fileOf(image));
      expect(await checkIntegrity(image, AbortSignal.timeout(10_000))).toMatchObject({ damagedUsers: [] });
      const { store, log } = await openStore({ folder: image });
      expect(await store.users.get(user.userId)).toEqual(user);
      await store.close();
      expect(await recordIn(fileOf(image))).toEqual({ ...user, revision: 1 });
      expect(log.lines).toEqual([]);
    }
  });

  test('is the line also for a file of a version that counted no revisions', async () => {
    const { store: first, folder } = await openStore();
    await first.close();
    await mkdir(join(fileOf(folder), '..'), { recursive: true });
    await writeRecordTo(fileOf(folder), user);
    await writeFile(join(folder, 'meta.json'), '{"format":3}');
    const { store } = await openStore({ folder });
    expect(await readFile(join(folder, 'meta.json'), 'utf8')).toBe('{"format":4}');
    expect(await store.users.get(user.userId)).toEqual(user);
    await store.users.put(changed);
    const { store: after } = await openStore({ folder: await crashImage(folder) });
    expect(await after.users.get(user.userId)).toEqual(changed);
  });
});

describe('X7: files that cannot be written', () => {
  test('are reported by the probe and once in the log, are retried less and less often, and lose nothing', async () => {
    const { store, folder, clock, log } = await openStore();
    await store.users.put(user);
    const timers = clock.pending;
    const renames = fillDisk();
    clock.advance(10_000);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    expect(log.lines[0]).toMatchObject({ level: 'error', fields: { folder } });
    await expect(store.probe()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.probe()).rejects.toThrow(fileOf(folder));
    // Others still pair.
    await store.users.put({ ...user, userId: 'other' });
    for (const wait of [1_000, 2_000, 4_000]) {
      await vi.waitFor(() => expect(clock.pending).toBe(timers));
      renames.mockClear();
      clock.advance(wait - 1);
      expect(clock.pending).toBe(timers);
      clock.advance(1);
      await vi.waitFor(() => expect(renames).toHaveBeenCalled());
    }
    expect(log.lines).toHaveLength(1);
    await vi.waitFor(() => expect(clock.pending).toBe(timers));
    renames.mockRestore();
    clock.advance(8_000);
    await vi.waitFor(() => expect(log.lines).toMatchObject([{}, { level: 'info' }]));
    await store.probe();
    expect(await recordIn(fileOf(folder, 'other'))).toMatchObject({ userId: 'other' });
  });

  test('stay in the journal at a stop, which is clean nevertheless', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    const renames = fillDisk();
    await store.close();
    renames.mockRestore();
    const again = await openStore({ folder, clock });
    expect(again.log.lines).toEqual([]);
    expect(await again.store.users.get(user.userId)).toEqual(user);
  });

  test('are written again, not only synced again, after a sync that failed', async () => {
    const { store, folder, clock, log } = await openStore();
    await store.users.put(user);
    const eio = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    const sync = vi.spyOn(await fileHandlePrototype(), 'datasync').mockRejectedValue(eio);
    clock.advance(10_000);
    await vi.waitFor(() => expect(log.lines).toHaveLength(1));
    sync.mockRestore();
    const rename = vi.spyOn(fs.promises, 'rename');
    clock.advance(1_000);
    await vi.waitFor(() => expect(log.lines).toHaveLength(2));
    expect(rename.mock.calls.map(([, to]) => to)).toContain(fileOf(folder));
  });
});

test('a copy of the folder has a change in the journal or, in a later name, in its file', async () => {
  const { store, folder, clock } = await openStore();
  const copy = await crashImage(folder);
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  const users = many(60);
  const copyFolder = (name: string) => cp(join(folder, name), join(copy, name), { recursive: true });
  await Promise.all(users.slice(0, 40).map((each) => store.users.put(each)));
  await copyFolder('user-journal');
  await untilFiled(clock, folder, 'user 39');
  await Promise.all(users.slice(20).map((each) => store.users.put({ ...each, sharedKey: 'later' })));
  await store.close();
  await copyFolder('users');
  const { store: restored } = await openStore({ folder: copy });
  const found = await Promise.all(users.map(({ userId }) => restored.users.get(userId)));
  expect(found.slice(0, 20)).toEqual(users.slice(0, 20));
  expect(found.slice(20).map((each) => each?.sharedKey)).toEqual(users.slice(20).map(() => 'later'));
});

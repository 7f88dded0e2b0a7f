import fs from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { recordName } from '../../src/store/lowdb/record.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { seed, storeContract, user } from '../contract/store.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { crashImage, openStore } from './lowdb-support.ts';

storeContract('lowdb', async (options) => openLowdbStore({ ...options, folder: temporaryFolder() }));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('what is acknowledged is on disk', () => {
  test('users and seeds survive closing and opening', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    await store.seeds.ping(seed);
    await store.close();
    const again = await openStore({ folder, clock });
    expect(await again.store.users.get(user.userId)).toEqual(user);
    expect(await again.store.seeds.get(seed.imsi)).toEqual(seed);
  });

  test('they survive a crash right after the answer, a changed number too', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    await store.users.put({ ...user, sharedKey: 'second' });
    await store.seeds.ping(seed);
    await store.seeds.ping({ ...seed, msisdn: '+237650000009', seedType: 'seeder', lps: 2 });
    const after = await openStore({ folder: await crashImage(folder) });
    expect(await after.store.users.get(user.userId)).toEqual({ ...user, sharedKey: 'second' });
    expect(await after.store.seeds.get(seed.imsi)).toEqual({
      imsi: seed.imsi,
      msisdn: '+237650000009',
      seedType: 'seeder',
      lps: 2,
    });
  });

  test('a probe is a durable write beside the records, and fails when the folder is away or the store closed', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    const before = await filesIn(folder);
    await store.probe();
    await store.probe();
    expect(await filesIn(folder)).toEqual([...before, '.probe'].sort());
    await rm(folder, { recursive: true });
    await writeFile(folder, 'in the way');
    await expect(store.probe()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await rm(folder);
    await mkdir(folder);
    await store.probe();
    await store.close().catch(() => undefined);
    await expect(store.probe()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // What it leaves is no stranger in the folder.
    const again = await openStore({ folder, clock });
    await again.store.probe();
  });

  test('the file and its folder are synced before the answer', async () => {
    const { store } = await openStore();
    await store.users.put(user);
    const folder = await open(tmpdir());
    onTestFinished(() => folder.close());
    const done: string[] = [];
    const prototype = Object.getPrototypeOf(folder);
    const { sync } = prototype;
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: typeof folder) {
      done.push((await this.stat()).isDirectory() ? 'sync the folder' : 'sync the file');
      return sync.call(this);
    });
    const rename = fs.rename;
    vi.spyOn(fs, 'rename').mockImplementation((from, to, callback) => {
      done.push('rename');
      rename(from, to, callback);
    });
    await store.users.put(user);
    expect(done).toEqual(['sync the file', 'rename', 'sync the folder']);
  });

  test('records are readable by their owner only', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    await store.seeds.ping(seed);
    for (const name of [recordName('users', user.userId), recordName('seeds', seed.imsi), 'meta.json']) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(folder, 'users'))).mode & 0o777).toBe(0o700);
  });

  test('2,000 users written at once are all there', async () => {
    const { store, folder } = await openStore();
    const users = Array.from({ length: 2_000 }, (_, n) => ({
      ...user,
      userId: `user ${n}`,
      sharedKey: `${n}`,
    }));
    await Promise.all(users.map((each) => store.users.put(each)));
    const after = await openStore({ folder: await crashImage(folder) });
    expect(await Promise.all(users.map(({ userId }) => after.store.users.get(userId)))).toEqual(users);
  });

  test('a record is written whole where the disk takes only a part at a time', async () => {
    const { store, folder } = await openStore();
    const handle = await open(tmpdir());
    onTestFinished(() => handle.close());
    const prototype = Object.getPrototypeOf(handle);
    const { write } = prototype;
    // Sound: a stand-in for the one form in which it is called.
    const short = vi.spyOn(prototype, 'write').mockImplementation(function (
      this: unknown,
      ...args: unknown[]
    ) {
      const [bytes, at] = args as [Buffer, number];
      return write.call(this, bytes, at, Math.ceil((bytes.length - at) / 2));
    });
    await store.users.put(user);
    expect(JSON.parse(await readFile(join(folder, recordName('users', user.userId)), 'utf8'))).toEqual(user);
    expect(short.mock.calls.length).toBeGreaterThan(1);
  });
});

describe('which folders it opens', () => {
  test('a missing one is made, with those above it', async () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    await openStore({ folder });
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8'))).toEqual({ format: 1 });
  });

  test("one that holds the gateway's keys, those of jwt keygen, hidden files or a volume's lost+found is as good as empty", async () => {
    const folder = temporaryFolder();
    for (const name of ['security', 'jwt', 'lost+found', '.git']) await mkdir(join(folder, name));
    await openStore({ folder });
  });

  test("another program's folder is refused and left as it was", async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'thesis.doc'), 'x');
    const opening = openStore({ folder });
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(opening).rejects.toThrow(`${folder} is not a swob store: it holds thesis.doc`);
    expect(await readdir(folder)).toEqual(['thesis.doc']);
  });

  test('a store that has lost its meta.json is refused', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    await store.close();
    await rm(join(folder, 'meta.json'));
    await expect(openStore({ folder })).rejects.toMatchObject({ code: 'CONFIG' });
  });

  test('a store of a newer format is refused', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'meta.json'), '{"format":2}');
    const opening = openStore({ folder });
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(opening).rejects.toThrow('format 2');
  });
});

describe('one owner', () => {
  test('a second store on the folder is refused, and opens once the first is closed', async () => {
    const { store, folder, clock } = await openStore();
    const second = openStore({ folder, clock });
    await expect(second).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(second).rejects.toThrow(`in use by pid ${process.pid}`);
    await store.users.put(user);
    await store.close();
    const third = await openStore({ folder, clock });
    expect(await third.store.users.get(user.userId)).toEqual(user);
  });

  test('a closed store takes nothing more', async () => {
    const { store } = await openStore();
    await store.close();
    const attempts = [
      () => store.users.put(user),
      () => store.users.get(user.userId),
      () => store.seeds.ping(seed),
      () => store.seeds.get(seed.imsi),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow('the store is closed');
  });

  test('closing waits for what is being written', async () => {
    const { store, folder, clock } = await openStore();
    const putting = store.users.put(user);
    await store.close();
    await putting;
    const again = await openStore({ folder, clock });
    expect(await again.store.users.get(user.userId)).toEqual(user);
  });

  test('a store that another host has taken over writes no more', async () => {
    const { store, folder, clock } = await openStore();
    await rm(join(folder, 'lock.1'));
    await vi.waitFor(async () => {
      clock.advance(10_000);
      await expect(store.users.put(user)).rejects.toThrow('has taken over the store');
    });
    expect(await filesIn(folder)).toEqual(['meta.json']);
  });
});

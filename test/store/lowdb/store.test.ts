import fs from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { checkIntegrity } from '../../../src/store/lowdb/integrity-check.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { entry } from '../../contract/outboxes.ts';
import { seed, storeContract, user } from '../../contract/store.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { crashImage, openStore, recordIn } from './support.ts';

storeContract('lowdb', async (options) => openLowdbStore({ ...options, folder: temporaryFolder() }));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('acknowledged writes are on disk', () => {
  test('users and seeds survive closing and opening', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    await store.seeds.ping(seed);
    await store.close();
    const again = await openStore({ folder, clock });
    expect(await again.store.users.get(user.userId)).toEqual(user);
    expect(await again.store.seeds.get(seed.imsi)).toEqual(seed);
  });

  test('users and seeds survive a crash just after the acknowledgement, with a changed number', async () => {
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

  test('a probe is a durable write beside the records, and fails when the folder is missing or the store closed', async () => {
    const { store: first, folder, clock } = await openStore();
    await first.users.put(user);
    await first.close();
    const { store } = await openStore({ folder, clock });
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
    // The folder still opens with the probe's file in it.
    const again = await openStore({ folder, clock });
    await again.store.probe();
  });

  test('syncs the file of a new seed and its folder before the acknowledgement', async () => {
    const { store } = await openStore();
    await store.seeds.ping(seed);
    const folder = await open(tmpdir());
    onTestFinished(() => folder.close());
    const done: string[] = [];
    const prototype = Object.getPrototypeOf(folder);
    const { sync } = prototype;
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: typeof folder) {
      done.push((await this.stat()).isDirectory() ? 'sync the folder' : 'sync the file');
      return sync.call(this);
    });
    const { rename } = fs.promises;
    vi.spyOn(fs.promises, 'rename').mockImplementation((from, to) => {
      done.push('rename');
      return rename(from, to);
    });
    await store.seeds.ping({ ...seed, msisdn: '+237650000009' });
    expect(done).toEqual(['sync the file', 'rename', 'sync the folder']);
  });

  test('the next start removes the leftovers of killed writes, and nothing else', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    const image = await crashImage(folder);
    await mkdir(join(image, 'users'));
    await writeFile(join(image, '.tmp', '0123456789ab.7'), '{"record":{"userId":');
    await writeFile(join(image, '.tmp', '0123456789ab.8'), '');
    await writeFile(join(image, 'users', 'notes.txt'), 'of the operator');
    const before = await filesIn(folder);
    const after = await openStore({ folder: image });
    expect(await readdir(join(image, '.tmp'))).toEqual([]);
    expect(await readFile(join(image, 'users', 'notes.txt'), 'utf8')).toBe('of the operator');
    expect(await after.store.users.get(user.userId)).toEqual(user);

    // Temporary files of a running process belong to it.
    await writeFile(join(folder, '.tmp', '0123456789ab.7'), 'being written');
    await expect(openStore({ folder })).rejects.toThrow('in use');
    expect(await filesIn(folder)).toEqual([...before, '.tmp/0123456789ab.7'].sort());
  });

  test('records are readable by their owner only', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    await store.seeds.ping(seed);
    expect((await stat(join(folder, 'user-journal', '1.ndjson'))).mode & 0o777).toBe(0o600);
    await store.close();
    for (const name of [recordName('users', user.userId), recordName('seeds', seed.imsi), 'meta.json']) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(folder, 'users'))).mode & 0o777).toBe(0o700);
  });

  test('keeps all of 400 users written concurrently', async () => {
    const { store, folder } = await openStore();
    const users = Array.from({ length: 400 }, (_, n) => ({
      ...user,
      userId: `user ${n}`,
      sharedKey: `${n}`,
    }));
    await Promise.all(users.map((each) => store.users.put(each)));
    const after = await openStore({ folder: await crashImage(folder) });
    expect(await Promise.all(users.map(({ userId }) => after.store.users.get(userId)))).toEqual(users);
  });

  test('completes a record that the disk takes only in parts', async () => {
    const { store, folder } = await openStore();
    const handle = await open(tmpdir());
    onTestFinished(() => handle.close());
    const prototype = Object.getPrototypeOf(handle);
    const { write } = prototype;
    // Safe cast: a stand-in for the only form in which it is called.
    const short = vi.spyOn(prototype, 'write').mockImplementation(function (
      this: unknown,
      ...args: unknown[]
    ) {
      const [bytes, at] = args as [Buffer, number];
      return write.call(this, bytes, at, Math.ceil((bytes.length - at) / 2));
    });
    await store.users.put(user);
    await store.close();
    expect(await recordIn(join(folder, recordName('users', user.userId)))).toEqual({ ...user, revision: 1 });
    expect(short.mock.calls.length).toBeGreaterThan(1);
  });
});

describe('which folders it opens', () => {
  test('creates a missing folder and its parents', async () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    await openStore({ folder });
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8'))).toEqual({ format: 4 });
  });

  test("accepts a folder with the gateway's keys, those of jwt keygen, hidden files or a volume's lost+found as empty", async () => {
    const folder = temporaryFolder();
    for (const name of ['security', 'jwt', 'lost+found', '.git']) await mkdir(join(folder, name));
    await openStore({ folder });
  });

  test('passes over what a file manager leaves between its folders', async () => {
    const { store, folder, clock } = await openStore();
    await store.users.put(user);
    await store.inbound.put(entry);
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    await store.close();
    for (const kind of ['users', 'inbound', 'seeds']) await writeFile(join(folder, kind, '.DS_Store'), '');
    const { store: after } = await openStore({ folder, clock });
    expect(await after.users.list('', 9)).toEqual({ users: [user] });
    expect(await after.inbound.count()).toEqual({ waiting: 1, deadLetters: 0 });
    expect(await after.seeds.usage()).toEqual({ registered: 1, evicted: 0 });
    expect(await checkIntegrity(folder, AbortSignal.timeout(10_000))).toMatchObject({
      openError: undefined,
      damagedUsers: [],
      damagedOthers: [],
    });
  });

  test("rejects another program's folder and leaves it unchanged", async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'thesis.doc'), 'x');
    const opening = openStore({ folder });
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(opening).rejects.toThrow(`${folder} is not a swob store: it holds thesis.doc`);
    expect(await readdir(folder)).toEqual(['thesis.doc']);
  });

  test('rejects a store without its meta.json', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    await store.close();
    await rm(join(folder, 'meta.json'));
    await expect(openStore({ folder })).rejects.toMatchObject({ code: 'CONFIG' });
  });

  test('rejects a store of a newer format', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'meta.json'), '{"format":5}');
    const opening = openStore({ folder });
    await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
    await expect(opening).rejects.toThrow('format 5');
  });
});

describe('one owner', () => {
  test('a second store on the folder is rejected, and opens once the first is closed', async () => {
    const { store, folder, clock } = await openStore();
    const second = openStore({ folder, clock });
    await expect(second).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(second).rejects.toThrow(`in use by pid ${process.pid}`);
    await store.users.put(user);
    await store.close();
    const third = await openStore({ folder, clock });
    expect(await third.store.users.get(user.userId)).toEqual(user);
  });

  test('a closed store rejects all operations', async () => {
    const { store } = await openStore();
    await store.close();
    const attempts = [
      () => store.users.put(user),
      async () => store.users.get(user.userId),
      () => store.seeds.ping(seed),
      () => store.seeds.get(seed.imsi),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow('the store is closed');
  });

  test('closing waits for running writes', async () => {
    const { store, folder, clock } = await openStore();
    const putting = store.users.put(user);
    await store.close();
    await putting;
    const again = await openStore({ folder, clock });
    expect(await again.store.users.get(user.userId)).toEqual(user);
  });

  test('a store that another host has taken over does not write', async () => {
    const { store, folder, clock } = await openStore();
    await rm(join(folder, 'lock.1'));
    await vi.waitFor(async () => {
      clock.advance(10_000);
      await expect(store.users.put(user)).rejects.toThrow('has taken over the store');
    });
    expect((await filesIn(folder)).filter((name) => !name.startsWith('.'))).toEqual(['meta.json']);
  });
});

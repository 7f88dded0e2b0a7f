import fs from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { maxSeeds, seed, user } from '../../contract/store.ts';
import { filesIn, temporaryFolder } from '../../support/folders.ts';
import { fillDisk, fillDiskHalfway, lpsOnDisk, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('X7: a damaged file is named, and never read as an empty one', () => {
  const otherUser = JSON.stringify({ ...user, userId: 'someone else' });
  const { sharedKey: _, ...withoutKey } = user;
  test.each([
    ['empty', ''],
    ['cut short', withChecksum(JSON.stringify(user)).slice(0, -20)],
    ['zeros', '\u0000\u0000\u0000\u0000'],
    ['null', withChecksum('null')],
    ['a list', withChecksum('[]')],
    ['no JSON', withChecksum('{')],
    [
      'with a flipped bit',
      withChecksum(JSON.stringify(user)).replace(user.sharedKey, user.sharedKey.replace('0', '1')),
    ],
    ['without a checksum', JSON.stringify(user)],
    ['without its key', withChecksum(JSON.stringify(withoutKey))],
    ["another user's", withChecksum(otherUser)],
  ])('user record: %s', async (_name, text) => {
    const { store: before, folder } = await openStore();
    await before.users.put(user);
    await before.close();
    const file = join(folder, recordName('users', user.userId));
    await writeFile(file, text);
    const { store } = await openStore({ folder });
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
    ['of a wrong type', withChecksum(JSON.stringify({ ...seed, seedType: 'gateway' }))],
    ["another IMSI's", withChecksum(JSON.stringify({ ...seed, imsi: '1' }))],
  ])(
    'seed record: %s: it is quarantined, and the next ping registers the seed again',
    async (_name, text) => {
      const { store, folder, clock } = await openStore();
      await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
      await store.seeds.ping({ ...seed, imsi: '62401', lps: clock.now() / 1_000 });
      await store.close();
      const file = join(folder, recordName('seeds', seed.imsi));
      await writeFile(file, text);
      const after = await openStore({ folder, clock });
      expect(after.log.lines[0]).toMatchObject({ level: 'error', fields: { file } });
      const [kept] = await filesIn(join(folder, 'damaged'));
      expect(await readFile(join(folder, 'damaged', kept ?? ''), 'utf8')).toBe(text);
      expect(await after.store.seeds.active(20_000)).toHaveLength(1);
      await after.store.seeds.ping(seed);
      expect(await after.store.seeds.get(seed.imsi)).toEqual(seed);
      // It replaced the damaged one.
      for (let n = 2; n < maxSeeds; n++) await after.store.seeds.ping({ ...seed, imsi: `9${n}` });
      expect((await after.store.seeds.usage()).registered).toBe(maxSeeds);
    },
  );

  test.each([[''], ['{"62401'], [withChecksum('{"62401":"1"}')]])(
    'lps.json with the content %j is quarantined, and seeds become active at their next ping',
    async (text) => {
      const { store, folder, clock } = await openStore();
      await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
      await store.close();
      // Until then the journal has it too.
      await (await openStore({ folder, clock })).store.close();
      await writeFile(join(folder, 'lps.json'), text);
      const after = await openStore({ folder, clock });
      const kept = join(folder, 'damaged', `lps.json.${clock.now()}`);
      expect(after.log.lines).toMatchObject([
        { level: 'error', fields: { file: join(folder, 'lps.json'), kept } },
      ]);
      expect(await readFile(kept, 'utf8')).toBe(text);
      expect(await after.store.seeds.active(20_000)).toEqual([]);
      await after.store.seeds.ping(seed);
      expect(await after.store.seeds.active(20_000)).toEqual([seed]);
    },
  );

  test.each([[''], ['{"format":"1"}'], ['{"formau":2}']])(
    'meta.json with the content %j: the store does not open until it is repaired',
    async (text) => {
      const { store, folder, clock } = await openStore();
      await store.users.put(user);
      await store.close();
      const file = join(folder, 'meta.json');
      const good = await readFile(file, 'utf8');
      await writeFile(file, text);
      const opening = openStore({ folder, clock });
      await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
      await expect(opening).rejects.toThrow(`${file} is damaged`);
      expect(await readFile(file, 'utf8')).toBe(text);
      await writeFile(file, good);
      const again = await openStore({ folder, clock });
      expect(await again.store.users.get(user.userId)).toEqual(user);
    },
  );
});

describe('X7: a failing disk', () => {
  test('a failed put is reported, and leaves the earlier record', async () => {
    const { store, folder } = await openStore();
    await store.users.put(user);
    const disk = await fillDiskHalfway();
    const failing = store.users.put({ ...user, sharedKey: 'new' });
    await expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(failing).rejects.toThrow(/ENOSPC/);
    await expect(failing).rejects.toThrow(folder);
    expect(await store.users.get(user.userId)).toEqual(user);
    disk.mockRestore();
    await store.users.put({ ...user, sharedKey: 'new' });
    expect(await store.users.get(user.userId)).toEqual({ ...user, sharedKey: 'new' });
  });

  test('a failed registration registers nothing and does not count towards the limit', async () => {
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

  test('rejects pings while LPS cannot be flushed, logs it once, and retries every second', async () => {
    const { store, folder, clock, log } = await openStore();
    await store.seeds.ping(seed);
    await mkdir(join(folder, 'lps.json', 'in the way'), { recursive: true });
    clock.advance(1_000);
    await vi.waitFor(() => expect(log.lines).toContainEqual(expect.objectContaining({ level: 'error' })));
    const refused = store.seeds.ping({ ...seed, lps: 2 });
    await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(refused).rejects.toThrow(join(folder, 'lps.json'));
    await expect(store.seeds.ping({ ...seed, imsi: '624010000000002' })).rejects.toThrow(folder);

    const rename = vi.spyOn(fs.promises, 'rename');
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

  test('a close that cannot write reports it, and releases the lock anyway', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(seed);
    await mkdir(join(folder, 'lps.json', 'in the way'), { recursive: true });
    await expect(store.close()).rejects.toThrow(join(folder, 'lps.json'));
    await rm(join(folder, 'lps.json'), { recursive: true });
    await openStore({ folder, clock });
  });

  test.each(['a file in place of the folder', 'a file in place of a folder above', 'a link to nowhere'])(
    '%s: does not open, and names the folder',
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

  test('a file in place of the journal of users fails only the put, and is named', async () => {
    const { store, folder } = await openStore();
    await writeFile(join(folder, 'user-journal'), '');
    await expect(store.users.put(user)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.users.put(user)).rejects.toThrow(join(folder, 'user-journal'));
    await store.seeds.ping(seed);
    await rm(join(folder, 'user-journal'));
    await store.users.put(user);
    expect(await store.users.get(user.userId)).toEqual(user);
  });
});

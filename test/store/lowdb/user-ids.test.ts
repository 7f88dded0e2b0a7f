// The index of user ids: after any users, restarts, crashes and damage, a list has exactly those with a record.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { Clock } from '../../../src/domain/shared/ports.ts';
import { createIdPage } from '../../../src/store/id-page.ts';
import { createDisk } from '../../../src/store/lowdb/disk.ts';
import { createDiskQueue } from '../../../src/store/lowdb/disk-queue.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { createSortedParts } from '../../../src/store/lowdb/sorted-parts.ts';
import { createUserIds } from '../../../src/store/lowdb/user-ids.ts';
import { user } from '../../contract/store.ts';
import { effort } from '../../support/effort.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';
import { openStore, writeRecordTo } from './support.ts';

const id = fc.string({ unit: fc.constantFrom('a', 'b', 'Z', '-', '9', 'é'), minLength: 1, maxLength: 4 });

test('sorted parts have each id once, in order, and are small', () => {
  fc.assert(
    fc.property(fc.array(id), fc.integer({ min: 1, max: 5 }), (ids, size) => {
      const found = createSortedParts(size);
      for (const each of ids) found.add(each);
      const parts = [...found.parts()];
      for (const part of parts) expect(part.length > 0 && part.length <= size).toBe(true);
      expect(parts.flat()).toEqual([...new Set(ids)].sort());
    }),
    { numRuns: 200 * effort },
  );
});

/** A folder with an index of small parts; `put` is what a store does for a new user. */
async function openIds(folder: string, clock: Pick<Clock, 'monotonic'> = createFakeClock()) {
  const disk = createDisk(folder, () => {});
  const queue = createDiskQueue({ concurrency: 32, maxWaiting: 1_000 });
  const unfiled = new Set<string>();
  const log = createMemoryLog();
  const ids = createUserIds({
    disk,
    queue,
    clock,
    log,
    unfiled: () => unfiled,
    bounds: { idsPerPart: 3, maxAdded: 4, maxRead: 4 },
  });
  return {
    clock,
    log,
    ids,
    writeRecord: async (userId: string) =>
      disk.write(recordName('users', userId), await recordText({ ...user, userId })),
    unfiled,
    list: async (prefix = '', limit = 1_000, after = '') => {
      const page = createIdPage(prefix, limit, after);
      await ids.collect(page, { prefix, limit, after });
      return page.result();
    },
  };
}

async function recordText(record: object): Promise<string> {
  const file = join(temporaryFolder(), 'record.json');
  await writeRecordTo(file, record);
  return readFile(file, 'utf8');
}

const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('list' as const), prefix: id, after: id, limit: fc.nat(3) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'kill' as const, 'damage' as const) }),
  },
);

test('lists exactly the users that have a record, whatever happens to the index', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 40 }), fc.nat(), async (commands, which) => {
      const folder = temporaryFolder();
      let opened = await openIds(folder);
      const model = new Set<string>();
      for (const each of commands) {
        if (each.kind === 'add') {
          if (model.has(each.id)) continue;
          await opened.writeRecord(each.id);
          await opened.ids.add(each.id);
          model.add(each.id);
        } else if (each.kind === 'list') {
          const { prefix, after, limit } = each;
          const all = [...model].filter((one) => one.startsWith(prefix) && one > after).sort();
          const expected = { ids: all.slice(0, limit + 1), hasMore: all.length > limit + 1 };
          expect(await opened.list(prefix, limit + 1, after)).toEqual(expected);
        } else {
          if (each.kind !== 'kill') await opened.ids.close();
          const names = each.kind === 'damage' ? await readdir(join(folder, 'user-ids')).catch(() => []) : [];
          const name = names[which % Math.max(1, names.length)];
          if (name !== undefined) await writeFile(join(folder, 'user-ids', name), 'damaged');
          opened = await openIds(folder);
        }
      }
      expect((await opened.list()).ids).toEqual([...model].sort());
      await opened.ids.close();
    }),
    { numRuns: 15 * effort },
  );
});

test('a later list reads only the parts that it needs', async () => {
  const opened = await openStore();
  const { store, folder, clock } = opened;
  const names = Array.from({ length: 30 }, (_, n) => `user${String(n).padStart(2, '0')}`);
  for (const userId of names) await store.users.put({ ...user, userId });
  expect((await store.users.list('', 3)).users).toHaveLength(3);
  await store.close();
  const { store: again } = await openStore({ folder, clock });
  // A scan would not find it, as its file is not a record.
  await writeFile(join(folder, recordName('users', 'user29')), 'damaged');
  const { users, next } = await again.users.list('user1', 5, 'user13');
  expect(users.map(({ userId }) => userId)).toEqual(['user14', 'user15', 'user16', 'user17', 'user18']);
  expect(next).toBe('user18');
});

test('finds users that an earlier version has added at the next start, and restored ones within ten minutes', async () => {
  const { store, folder, clock } = await openStore();
  await store.users.put({ ...user, userId: 'a' });
  const listed = async (users = store.users): Promise<string[]> =>
    (await users.list('', 10)).users.map(({ userId }) => userId);
  expect(await listed()).toEqual(['a']);
  await store.close();
  const restore = async (userId: string): Promise<void> => {
    const file = join(folder, recordName('users', userId));
    await mkdir(dirname(file), { recursive: true });
    await writeRecordTo(file, { ...user, userId });
  };
  await restore('b');
  const { store: again } = await openStore({ folder, clock });
  expect(await listed(again.users)).toEqual(['a', 'b']);
  await restore('c');
  clock.advance(600_000);
  expect(await listed(again.users)).toEqual(['a', 'b', 'c']);
});

test('has the users of a journal that a killed process left', async () => {
  const folder = temporaryFolder();
  const first = await openIds(folder);
  await first.writeRecord('a');
  expect((await first.list()).ids).toEqual(['a']);
  // Killed before the log had it.
  await first.writeRecord('b');
  const second = await openIds(folder);
  second.unfiled.add('c');
  expect((await second.list()).ids).toEqual(['a', 'b', 'c']);
  await rm(join(folder, 'user-ids'), { recursive: true });
  const third = await openIds(folder);
  expect((await third.list()).ids).toEqual(['a', 'b']);
});

const manifestOf = (folder: string): string => join(folder, 'user-ids', 'manifest.json');

test('makes the index of a folder of an earlier version before the first list, while users are added', async () => {
  const folder = temporaryFolder();
  const before = await openIds(folder);
  const names = Array.from({ length: 30 }, (_, n) => `user${String(n).padStart(2, '0')}`);
  for (const userId of names) await before.writeRecord(userId);
  let now = 0;
  const opened = await openIds(folder, { monotonic: () => (now += 6_000) });
  opened.ids.prepare();
  await opened.writeRecord('new');
  await opened.ids.add('new');
  expect((await opened.list()).ids).toEqual(['new', ...names]);
  expect(opened.log.lines[0]).toMatchObject({ level: 'info', fields: { users: expect.any(Number) } });
  await opened.ids.close();

  await rm(join(folder, 'user-ids'), { recursive: true });
  const stopped = await openIds(folder);
  stopped.ids.prepare();
  await stopped.ids.close();
  expect(stopped.log.lines).toEqual([]);
  expect((await (await openIds(folder)).list()).ids).toEqual(['new', ...names]);
});

test('a store makes the index when it is opened', async () => {
  const { store, folder, clock } = await openStore();
  await store.users.put({ ...user, userId: 'a' });
  await store.close();
  await rm(join(folder, 'user-ids'), { recursive: true });
  const { store: again } = await openStore({ folder, clock });
  await vi.waitFor(() => readFile(manifestOf(folder)), 30_000);
  // A scan would not find it, as its file is not a record.
  await writeFile(join(folder, recordName('users', 'a')), 'damaged');
  await again.users.put({ ...user, userId: 'b' });
  await expect(again.users.list('', 1)).resolves.toMatchObject({ users: [], next: 'a' });
});

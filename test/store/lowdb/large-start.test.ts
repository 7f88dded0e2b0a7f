// A start with many records reads only the files that have changed since the last snapshot of them.

import fs from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { OutboxEntry } from '../../../src/domain/shared/model.ts';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { deadLetter, waiting } from '../../contract/outboxes.ts';
import { seed } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { crashImage, openStore, recordIn, writeRecordTo } from './support.ts';

beforeEach(() => {
  vi.spyOn(fs, 'readFileSync');
});

afterEach(() => {
  vi.restoreAllMocks();
});

const count = 1_100;
const reads = () =>
  vi.mocked(fs.readFileSync).mock.calls.filter(([path]) => String(path).includes('/inbound/'));

/** Synchronously, because there are many. */
function writeRecord(folder: string, name: string, record: object): void {
  const file = join(folder, name);
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.writeFileSync(file, withChecksum(JSON.stringify(record)));
}

const writeEntry = (folder: string, entry: OutboxEntry<unknown>): void =>
  writeRecord(folder, recordName('inbound', entry.id), entry);

const snapshotIn = (folder: string): string => join(folder, 'snapshots', 'inbound.json');
const untilSaved = (folder: string) =>
  vi.waitFor(async () => expect((await recordIn(snapshotIn(folder))).files).toHaveLength(count), 30_000);

/** The folder of a store as if its process were killed now: without the lock. */
async function kill(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.filter((each) => /^\.?lock[.-]/.test(each))) await rm(join(folder, name));
}

/** A store that has just been opened, with entries of each state. */
async function filledStore() {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await (await openStore({ folder, clock })).store.close();
  for (let n = 0; n < count; n++) {
    const ordered = n % 2 === 0 && { orderKey: `key ${n % 10}`, sequence: n + 1 };
    writeEntry(folder, n % 3 === 0 ? deadLetter(`e${n}`, n) : { ...waiting(`e${n}`, n), ...ordered });
  }
  const { store, log } = await openStore({ folder, clock });
  expect(reads()).toHaveLength(count);
  return { folder, clock, store, log, state: await stateOf(store) };
}

/** The same, just closed. */
async function closedStore() {
  const { store, ...filled } = await filledStore();
  await store.close();
  vi.clearAllMocks();
  return filled;
}

async function stateOf({ inbound }: Awaited<ReturnType<typeof openStore>>['store']) {
  const ids = (entries: readonly OutboxEntry<unknown>[]) => entries.map(({ id }) => id);
  return {
    count: await inbound.count(),
    waiting: ids(await inbound.waiting(count)),
    deadLetters: ids(await inbound.deadLetters(count)),
    behind: await inbound.countBehind(),
    nextDueAt: await inbound.nextDueAt(),
    inOrder: ids(await inbound.waitingOf('key 2', count)),
  };
}

test('has every entry in its place without reading their files', async () => {
  const { folder, clock, state } = await closedStore();
  const { store, log } = await openStore({ folder, clock });
  expect(reads()).toHaveLength(0);
  expect(await stateOf(store)).toEqual(state);
  expect(log.lines).toEqual([]);
});

test('follows what an operator has removed and restored meanwhile', async () => {
  const { folder, clock, state } = await closedStore();
  await rm(join(folder, recordName('inbound', 'e1')));
  writeEntry(folder, waiting('new', 0));
  // Over a dead letter, with an earlier state.
  writeEntry(folder, waiting('e3', 3));
  const { store } = await openStore({ folder, clock });
  expect(reads()).toHaveLength(2);
  expect(await store.inbound.get('e1')).toBeUndefined();
  expect(await store.inbound.nextDueAt()).toBe(0);
  const { waiting: waits, deadLetters } = await store.inbound.count();
  expect({ waits, deadLetters }).toEqual({
    waits: state.count.waiting + 1,
    deadLetters: state.count.deadLetters - 1,
  });
});

test('reads after a crash what has changed since the snapshot of a running store', async () => {
  const { folder, clock, store } = await filledStore();
  await untilSaved(folder);
  await store.inbound.remove('e1');
  await store.inbound.put(waiting('e3', 3));
  await store.inbound.put(waiting('e4', 4));
  const state = await stateOf(store);
  await kill(folder);
  vi.clearAllMocks();
  const after = await openStore({ folder, clock });
  expect(reads()).toHaveLength(2);
  expect(await stateOf(after.store)).toEqual(state);
  expect(after.log.lines).toEqual([]);
});

test('an entry that was postponed is due as its record says, also from a snapshot', async () => {
  const { folder, clock, store, state } = await filledStore();
  const [id = ''] = await store.inbound.claim(clock.now(), 1);
  await store.inbound.postpone(id, clock.now() + 3_600_000);
  expect(await store.inbound.nextDueAt()).not.toBe(state.nextDueAt);
  await store.close();
  vi.clearAllMocks();
  const after = await openStore({ folder, clock });
  expect(reads()).toHaveLength(0);
  expect(await stateOf(after.store)).toEqual(state);
});

test('a snapshot that cannot be written costs a warning, and nothing else', async () => {
  const { folder, clock, store, log } = await filledStore();
  await untilSaved(folder);
  await rm(join(folder, 'snapshots'), { recursive: true });
  await writeFile(join(folder, 'snapshots'), 'in its way');
  await store.inbound.put(waiting('e4', 4));
  const state = await stateOf(store);
  await store.close();
  expect(log.lines).toMatchObject([{ level: 'warn', message: expect.stringContaining('a snapshot') }]);
  const after = await openStore({ folder, clock });
  expect(await stateOf(after.store)).toEqual(state);
});

test('notices a change by hand that keeps size and time of modification', async () => {
  const { folder, clock } = await closedStore();
  const file = join(folder, recordName('inbound', 'e1'));
  const { atime, mtime } = fs.statSync(file);
  const entry = { ...waiting('e1', 1), dueAt: 2 };
  expect(await recordIn(file)).toMatchObject({ dueAt: 1 });
  await writeRecordTo(file, entry);
  fs.utimesSync(file, atime, mtime);
  const { store } = await openStore({ folder, clock });
  expect(reads()).toHaveLength(1);
  expect(await store.inbound.nextDueAt()).toBe(2);
});

test('reads the files in a copy, and with what an earlier version has left', async () => {
  const { folder, clock, state } = await closedStore();
  const copy = await openStore({ folder: await crashImage(folder), clock });
  expect(reads()).toHaveLength(count);
  expect(await stateOf(copy.store)).toEqual(state);

  const values = [{ id: 'e1', since: 1, dueAt: 1 }];
  await writeRecordTo(snapshotIn(folder), { generation: 2, values });
  vi.clearAllMocks();
  const { store } = await openStore({ folder, clock });
  expect(reads()).toHaveLength(count);
  expect(await stateOf(store)).toEqual(state);
});

test('reads the files when what was left is damaged', async () => {
  const { folder, clock, state } = await closedStore();
  const file = snapshotIn(folder);
  await writeFile(file, (await readFile(file, 'utf8')).replace('"e1"', '"e0"'));
  const { store } = await openStore({ folder, clock });
  expect(reads()).toHaveLength(count);
  expect(await stateOf(store)).toEqual(state);
});

test('reads an entry again, and quarantines it, that could not be read before the stop', async () => {
  const { folder, clock } = await closedStore();
  const { store } = await openStore({ folder, clock });
  await writeFile(join(folder, recordName('inbound', 'e1')), 'damaged');
  await expect(store.inbound.get('e1')).rejects.toThrow('is damaged');
  await store.close();
  const after = await openStore({ folder, clock });
  expect(after.log.lines).toMatchObject([{ level: 'error' }]);
  expect(await after.store.inbound.get('e1')).toBeUndefined();
});

test('lists active seeds without reading their files, but those that were removed', async () => {
  const folder = temporaryFolder();
  const clock = createFakeClock();
  await (await openStore({ folder, clock })).store.close();
  const lps = clock.now() / 1_000;
  const imsiOf = (n: number): string => `62401${String(n).padStart(10, '0')}`;
  for (let n = 0; n < count; n++) {
    writeRecord(folder, recordName('seeds', imsiOf(n)), { ...seed, imsi: imsiOf(n), lps });
  }
  const all = Object.fromEntries(Array.from({ length: count }, (_, n) => [imsiOf(n), lps]));
  writeRecord(folder, 'lps.json', { journal: 0, lps: all });
  const first = await openStore({ folder, clock });
  expect(await first.store.seeds.active(20_000)).toHaveLength(count);
  await first.store.close();
  vi.clearAllMocks();

  await rm(join(folder, recordName('seeds', imsiOf(7))));
  const { store, log } = await openStore({ folder, clock });
  expect(
    vi.mocked(fs.readFileSync).mock.calls.filter(([path]) => String(path).includes('/seeds/')),
  ).toHaveLength(1);
  const seeds = await store.seeds.active(20_000);
  expect(seeds).toHaveLength(count - 1);
  expect(seeds[0]).toEqual({ ...seed, imsi: imsiOf(0), lps });
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { imsi: imsiOf(7) } }]);
  expect(await store.seeds.usage()).toMatchObject({ registered: count - 1 });
});

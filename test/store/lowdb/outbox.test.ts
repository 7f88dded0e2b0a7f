import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openLowdbArchive } from '../../../src/store/lowdb/archive.ts';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import {
  createOutboxModel,
  type OutboxModel,
  outboxCommands,
  type RealOutbox,
  reopenModel,
} from '../../contract/outbox-model.ts';
import { deliverAll, idsIn, orderedEntry } from '../../contract/outbox-order.ts';
import { deadLetter, entry, waiting } from '../../contract/outboxes.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { crashImage, fillDisk, openStore, recordIn, writeRecordTo } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const fileOf = (folder: string, id: string) => join(folder, recordName('inbound', id));

describe('acknowledged writes are on disk', () => {
  test('entries survive a crash just after the acknowledgement, as they were last put', async () => {
    const { store, folder } = await openStore();
    for (const each of [entry, deadLetter('b', 2), deadLetter('a', 1), waiting('c', 3)])
      await store.inbound.put(each);
    await store.inbound.put(waiting('b', 1));
    await store.inbound.remove('c');
    const callback = { ...entry, content: { url: 'https://example.com/', body: '{}' } };
    await store.callbacks.put(callback);
    const { store: after } = await openStore({ folder: await crashImage(folder) });
    expect(await after.inbound.get(entry.id)).toEqual(entry);
    expect(await after.inbound.nextDueAt()).toBe(1);
    expect(await after.inbound.claim(Number.MAX_SAFE_INTEGER, 9)).toEqual(['b', entry.id]);
    expect(await after.inbound.deadLetters(9)).toEqual([deadLetter('a', 1)]);
    expect(await after.inbound.count()).toEqual({ waiting: 2, deadLetters: 1 });
    expect(await after.callbacks.get(entry.id)).toEqual(callback);
  });

  test('an attempt that ends during a write of its entry does not undo the write', async () => {
    const { store } = await openStore();
    await store.inbound.putClaimed(waiting('a', 1));
    const putting = store.inbound.put(waiting('a', 2));
    expect(await store.inbound.settle('a', undefined)).toBe(false);
    await putting;
    expect(await store.inbound.get('a')).toEqual(waiting('a', 2));
  });

  test('behaves like the model, including restarts', async () => {
    interface Real extends RealOutbox {
      reopen(): Promise<void>;
    }
    const reopen: fc.AsyncCommand<OutboxModel, Real> = {
      check: () => true,
      run: (model, real) => {
        reopenModel(model);
        return real.reopen();
      },
      toString: () => 'reopen',
    };
    await fc.assert(
      fc.asyncProperty(outboxCommands([reopen]), async (commands) => {
        const folder = temporaryFolder();
        const options = { ...storeOptions(createFakeClock()), inbound: { max: 3 }, folder };
        let store = await openLowdbStore(options);
        const real: Real = {
          outbox: store.inbound,
          reopen: async () => {
            await store.close();
            store = await openLowdbStore(options);
            real.outbox = store.inbound;
          },
        };
        try {
          await fc.asyncModelRun(() => ({ model: createOutboxModel(3), real }), commands);
        } finally {
          await store.close();
        }
      }),
      { numRuns: 30 },
    );
  });

  test('entries keep their order over a crash during an attempt', async () => {
    const { store, folder } = await openStore();
    await store.inbound.putClaimed(orderedEntry('c', 'k'));
    for (const id of ['b', 'd', 'a']) await store.inbound.put(orderedEntry(id, 'k'));
    const { store: after } = await openStore({ folder: await crashImage(folder) });
    expect(idsIn(await after.inbound.waitingOf('k', 9))).toEqual(['c', 'b', 'd', 'a']);
    expect(await deliverAll(after.inbound)).toEqual(['c', 'b', 'd', 'a']);
  });

  test('a start on a full disk keeps what a crash has left, until it is delivered', async () => {
    const { store, folder } = await openStore();
    for (const id of ['a', 'b', 'c']) await store.inbound.putClaimed(waiting(id, 1));
    const image = await crashImage(folder);
    const full = fillDisk();
    const { store: after, log } = await openStore({ folder: image });
    expect(log.lines).toEqual([expect.objectContaining({ level: 'warn' })]);
    expect(await after.inbound.claim(9, 9)).toEqual(['a', 'b', 'c']);
    expect(await after.inbound.get('a')).toEqual(waiting('a', 1));
    expect(await after.inbound.settle('a', undefined)).toBe(true);
    expect(await after.inbound.putClaimed(waiting('b', 2))).toBe('claimed');
    const again = await openStore({ folder: await crashImage(image) });
    full.mockRestore();
    const freed = await openStore({ folder: await crashImage(image) });
    await after.close();
    const closed = await openStore({ folder: image });
    for (const each of [again, freed, closed]) {
      expect(await each.store.inbound.waiting(9, 0)).toEqual([waiting('c', 1), waiting('b', 2)]);
      await each.store.close();
    }
    expect(await readdir(join(image, 'attempts-inbound'))).toEqual([]);
  });

  test('a removed entry that a power cut restores waits again, under its id', async () => {
    const { store, folder } = await openStore();
    await store.inbound.put(entry);
    const text = await readFile(fileOf(folder, entry.id));
    await store.inbound.remove(entry.id);
    const image = await crashImage(folder);
    await writeFile(fileOf(image, entry.id), text);
    const { store: after } = await openStore({ folder: image });
    expect(await after.inbound.get(entry.id)).toEqual(entry);
  });

  test('finds 1,000 entries again', async () => {
    const folder = temporaryFolder();
    const options = { ...storeOptions(createFakeClock()), inbound: { max: 1_000 }, folder };
    await (await openLowdbStore(options)).close();
    for (let n = 0; n < 1_000; n++) {
      const file = fileOf(folder, `${n}`);
      await mkdir(dirname(file), { recursive: true });
      await writeRecordTo(file, n % 2 ? waiting(`${n}`, n) : deadLetter(`${n}`, n));
    }
    const store = await openLowdbStore(options);
    expect(await store.inbound.count()).toEqual({ waiting: 500, deadLetters: 500 });
    expect(await store.inbound.claim(5, 9)).toEqual(['1', '3', '5']);
    await expect(store.inbound.put(entry)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await store.close();
  });

  test('a lowered limit rejects new entries only', async () => {
    const { store, folder } = await openStore();
    for (const id of ['a', 'b', 'c']) await store.inbound.put(waiting(id, 1));
    await store.close();
    const lowered = await openLowdbStore({ ...storeOptions(createFakeClock()), inbound: { max: 2 }, folder });
    await lowered.inbound.put(waiting('a', 2));
    await lowered.inbound.remove('b');
    await expect(lowered.inbound.put(waiting('d', 1))).rejects.toThrow('2 messages wait');
    await lowered.inbound.remove('c');
    await lowered.inbound.put(waiting('d', 1));
    await lowered.close();
  });
});

test('does not keep the content of an entry in memory', async () => {
  const { store, folder } = await openStore();
  await store.inbound.put(entry);
  const changed = { ...entry, content: { ...entry.content, text: 'from the disk' } };
  await writeRecordTo(fileOf(folder, entry.id), changed);
  expect(await store.inbound.get(entry.id)).toEqual(changed);
});

test('does not search the disk for an entry that the index lacks', async () => {
  const { store, folder } = await openStore();
  const file = fileOf(folder, entry.id);
  await mkdir(dirname(file), { recursive: true });
  await writeRecordTo(file, entry);
  expect(await store.inbound.get(entry.id)).toBeUndefined();
});

test('does not wait for the file of an entry that was removed by hand', async () => {
  const { store, folder, log } = await openStore();
  await store.inbound.put(entry);
  await store.inbound.put(deadLetter('b', 1));
  for (const id of [entry.id, 'b']) await rm(fileOf(folder, id));
  expect(await store.inbound.get(entry.id)).toBeUndefined();
  expect(await store.inbound.deadLetters(9)).toEqual([]);
  expect(await store.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  expect(log.lines).toMatchObject([{ level: 'warn' }, { level: 'warn' }]);
});

describe('X7', () => {
  const { content: _, ...withoutContent } = entry;
  test.each([
    ['empty', ''],
    ['cut short', withChecksum(JSON.stringify(entry)).slice(0, -9)],
    ['with a flipped bit', withChecksum(JSON.stringify(entry)).replace('gateway-client', 'gateway-clieot')],
    ['without a checksum', JSON.stringify(entry)],
    ['without content', withChecksum(JSON.stringify(withoutContent))],
    ['due at no time', withChecksum(JSON.stringify({ ...entry, dueAt: 'now' }))],
    ['with a life that is none', withChecksum(JSON.stringify({ ...entry, history: [{ at: 1 }] }))],
    [
      "another outbox's",
      withChecksum(JSON.stringify({ ...entry, content: { url: 'https://example.com/', body: '{}' } })),
    ],
    ["another entry's", withChecksum(JSON.stringify({ ...entry, id: 'another' }))],
  ])(
    'a damaged entry (%s) is named while running; at the start it is quarantined, and the others wait',
    async (_name, text) => {
      const { store, folder, clock } = await openStore();
      await store.inbound.put(entry);
      await store.inbound.put(waiting('b', 1));
      const file = fileOf(folder, entry.id);
      expect(text).not.toBe(await readFile(file, 'utf8'));
      await writeFile(file, text);
      await expect(store.inbound.get(entry.id)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(store.inbound.get(entry.id)).rejects.toThrow(`${file} is damaged`);
      await store.close();
      await expect(openLowdbArchive({ ...storeOptions(clock), folder })).rejects.toThrow(
        `${file} is damaged`,
      );

      const again = await openStore({ folder, clock });
      const kept = `${folder}/damaged/${recordName('inbound', entry.id).replaceAll('/', '-')}.${clock.now()}`;
      const reason = expect.stringMatching(/ is damaged \(.*\); restore it from a backup or remove it$/);
      expect(again.log.lines).toMatchObject([{ level: 'error', fields: { file, kept, reason } }]);
      expect(await readFile(kept, 'utf8')).toBe(text);
      expect(await again.store.inbound.get(entry.id)).toBeUndefined();
      expect(await again.store.inbound.claim(9, 9)).toEqual(['b']);
      expect(await again.store.inbound.count()).toEqual({ waiting: 1, deadLetters: 0 });
      await again.store.inbound.put(entry);
      expect(await again.store.inbound.get(entry.id)).toEqual(entry);
    },
  );

  test('on a full disk a new entry is rejected and does not count, and an existing one stays unchanged', async () => {
    const { store } = await openStore();
    await store.inbound.put(waiting('a', 1));
    const disk = fillDisk();
    for (let n = 0; n < 50; n++) {
      await expect(store.inbound.put(waiting(`${n}`, 0))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
    await expect(store.inbound.put(waiting('a', 9))).rejects.toThrow(/ENOSPC/);
    expect(await store.inbound.get('a')).toEqual(waiting('a', 1));
    expect(await store.inbound.nextDueAt()).toBe(1);
    expect(await store.inbound.claim(9, 9)).toEqual(['a']);
    expect(await store.inbound.count()).toEqual({ waiting: 1, deadLetters: 0 });
    disk.mockRestore();
    for (let n = 0; n < 39; n++) await store.inbound.put(waiting(`${n}`, 0));
  });

  test('a closed store, and one that another host has taken over, rejects puts and removals', async () => {
    const { store, folder, clock } = await openStore();
    await store.inbound.put(entry);
    await rm(join(folder, 'lock.1'));
    await vi.waitFor(async () => {
      clock.advance(10_000);
      await expect(store.inbound.put(waiting('b', 1))).rejects.toThrow('has taken over the store');
    });
    await expect(store.inbound.remove(entry.id)).rejects.toThrow('has taken over the store');
    expect(await store.inbound.get(entry.id)).toEqual(entry);
    await store.close();
    const { inbound } = store;
    const attempts = [() => inbound.put(entry), () => inbound.remove(entry.id), () => inbound.get(entry.id)];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow('the store is closed');
    expect(await recordIn(fileOf(folder, entry.id))).toEqual(entry);
  });
});

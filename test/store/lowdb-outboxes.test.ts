import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { recordName } from '../../src/store/lowdb/record.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import {
  createOutboxModel,
  type OutboxModel,
  outboxCommands,
  type RealOutbox,
} from '../contract/outbox-model.ts';
import { givenUp, parcel, waiting } from '../contract/outboxes.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { crashImage, fillDisk, openStore } from './lowdb-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const fileOf = (folder: string, id: string) => join(folder, recordName('inbound', id));

describe('what is acknowledged is on disk', () => {
  test('parcels survive a crash right after the answer, as they were put last', async () => {
    const { store, folder } = await openStore();
    for (const each of [parcel, givenUp('b', 2), givenUp('a', 1), waiting('c', 3)])
      await store.inbound.put(each);
    await store.inbound.put(waiting('b', 1));
    await store.inbound.remove('c');
    const callback = { ...parcel, content: { url: 'https://example.com/', body: '{}' } };
    await store.callbacks.put(callback);
    const { store: after } = await openStore({ folder: await crashImage(folder) });
    expect(await after.inbound.get(parcel.id)).toEqual(parcel);
    expect(await after.inbound.nextDue()).toBe(1);
    expect(await after.inbound.claim(Number.MAX_SAFE_INTEGER, 9)).toEqual(['b', parcel.id]);
    expect(await after.inbound.failed(9)).toEqual([givenUp('a', 1)]);
    expect(await after.inbound.count()).toEqual({ waiting: 2, failed: 1 });
    expect(await after.callbacks.get(parcel.id)).toEqual(callback);
  });

  test('it behaves as the model does over restarts too', async () => {
    interface Real extends RealOutbox {
      reopen(): Promise<void>;
    }
    const reopen: fc.AsyncCommand<OutboxModel, Real> = {
      check: () => true,
      run: (model, real) => {
        model.claimed.clear();
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

  test('a removed parcel that a power cut brings back waits again, under its id', async () => {
    const { store, folder } = await openStore();
    await store.inbound.put(parcel);
    const text = await readFile(fileOf(folder, parcel.id));
    await store.inbound.remove(parcel.id);
    const image = await crashImage(folder);
    await writeFile(fileOf(image, parcel.id), text);
    const { store: after } = await openStore({ folder: image });
    expect(await after.inbound.get(parcel.id)).toEqual(parcel);
  });

  test('10,000 parcels are found again', async () => {
    const folder = temporaryFolder();
    const options = { ...storeOptions(createFakeClock()), inbound: { max: 10_000 }, folder };
    await (await openLowdbStore(options)).close();
    for (let n = 0; n < 10_000; n++) {
      const file = fileOf(folder, `${n}`);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(n % 2 ? waiting(`${n}`, n) : givenUp(`${n}`, n)));
    }
    const store = await openLowdbStore(options);
    expect(await store.inbound.count()).toEqual({ waiting: 5_000, failed: 5_000 });
    expect(await store.inbound.claim(5, 9)).toEqual(['1', '3', '5']);
    await expect(store.inbound.put(parcel)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await store.close();
  }, 30_000);

  test('a bound that was lowered refuses new ones only', async () => {
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

test('what a parcel holds is not kept in memory', async () => {
  const { store, folder } = await openStore();
  await store.inbound.put(parcel);
  const changed = { ...parcel, content: { ...parcel.content, text: 'from the disk' } };
  await writeFile(fileOf(folder, parcel.id), JSON.stringify(changed));
  expect(await store.inbound.get(parcel.id)).toEqual(changed);
});

test('a parcel that the store does not know of is not looked for on disk', async () => {
  const { store, folder } = await openStore();
  const file = fileOf(folder, parcel.id);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(parcel));
  expect(await store.inbound.get(parcel.id)).toBeUndefined();
});

test('the file of a parcel that was removed by hand is not waited for', async () => {
  const { store, folder, log } = await openStore();
  await store.inbound.put(parcel);
  await store.inbound.put(givenUp('b', 1));
  for (const id of [parcel.id, 'b']) await rm(fileOf(folder, id));
  expect(await store.inbound.get(parcel.id)).toBeUndefined();
  expect(await store.inbound.failed(9)).toEqual([]);
  expect(await store.inbound.count()).toEqual({ waiting: 0, failed: 0 });
  expect(log.lines).toMatchObject([{ level: 'warn' }, { level: 'warn' }]);
});

test('what killed writes have left is removed at the start, and nothing else', async () => {
  const { store, folder } = await openStore();
  await store.inbound.put(parcel);
  await store.close();
  const file = fileOf(folder, parcel.id);
  await writeFile(`${file}.123456`, '{"id":"0123');
  await writeFile(`${file}.bak`, 'a copy');
  await openStore({ folder });
  expect((await filesIn(folder)).filter((name) => name.startsWith('inbound')).length).toBe(2);
  expect(await readFile(`${file}.bak`, 'utf8')).toBe('a copy');
});

describe('X7', () => {
  const { content: _, ...withoutContent } = parcel;
  test.each([
    ['empty', ''],
    ['cut short', JSON.stringify(parcel).slice(0, -9)],
    ['without content', JSON.stringify(withoutContent)],
    ['due at no time', JSON.stringify({ ...parcel, dueAt: 'now' })],
    ['with a life that is none', JSON.stringify({ ...parcel, life: [{ at: 1 }] })],
    ["another outbox's", JSON.stringify({ ...parcel, content: { url: 'https://example.com/', body: '{}' } })],
    ["another parcel's", JSON.stringify({ ...parcel, id: 'another' })],
  ])(
    'a damaged parcel (%s) is named, while running and at the start, and left alone',
    async (_name, text) => {
      const { store, folder, clock } = await openStore();
      await store.inbound.put(parcel);
      const file = fileOf(folder, parcel.id);
      await writeFile(file, text);
      await expect(store.inbound.get(parcel.id)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(store.inbound.get(parcel.id)).rejects.toThrow(`${file} is damaged`);
      await store.close();
      const opening = openStore({ folder, clock });
      await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
      await expect(opening).rejects.toThrow(`${file} is damaged`);
      await expect(opening).rejects.toThrow('restore it from a backup or remove it');
      expect(await readFile(file, 'utf8')).toBe(text);
      await rm(file);
      await openStore({ folder, clock });
    },
  );

  test('on a full disk a new parcel is refused and takes no place, and an old one stays as it was', async () => {
    const { store } = await openStore();
    await store.inbound.put(waiting('a', 1));
    const disk = fillDisk();
    for (let n = 0; n < 50; n++) {
      await expect(store.inbound.put(waiting(`${n}`, 0))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
    await expect(store.inbound.put(waiting('a', 9))).rejects.toThrow(/ENOSPC/);
    expect(await store.inbound.get('a')).toEqual(waiting('a', 1));
    expect(await store.inbound.nextDue()).toBe(1);
    expect(await store.inbound.claim(9, 9)).toEqual(['a']);
    expect(await store.inbound.count()).toEqual({ waiting: 1, failed: 0 });
    disk.mockRestore();
    for (let n = 0; n < 39; n++) await store.inbound.put(waiting(`${n}`, 0));
  });

  test('a closed store, and one that another host has taken over, neither puts nor removes', async () => {
    const { store, folder, clock } = await openStore();
    await store.inbound.put(parcel);
    await rm(join(folder, 'lock.1'));
    await vi.waitFor(async () => {
      clock.advance(10_000);
      await expect(store.inbound.put(waiting('b', 1))).rejects.toThrow('has taken over the store');
    });
    await expect(store.inbound.remove(parcel.id)).rejects.toThrow('has taken over the store');
    expect(await store.inbound.get(parcel.id)).toEqual(parcel);
    await store.close();
    const { inbound } = store;
    const attempts = [
      () => inbound.put(parcel),
      () => inbound.remove(parcel.id),
      () => inbound.get(parcel.id),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toThrow('the store is closed');
    expect(await readFile(fileOf(folder, parcel.id), 'utf8')).toBe(JSON.stringify(parcel));
  });
});

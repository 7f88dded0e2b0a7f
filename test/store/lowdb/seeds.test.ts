import fs from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { recordName } from '../../../src/store/lowdb/record-file.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { maxSeeds, seed, storeOptions } from '../../contract/store.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import {
  crashImage,
  fillDiskHalfway,
  lpsOnDisk,
  openStore,
  recordIn,
  untilFlushed,
  writeRecordTo,
} from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('LPS', () => {
  test('is on disk within a second, in one file, without rewriting the record or leaving a timer', async () => {
    const { store, folder, clock } = await openStore();
    const idle = clock.pending;
    await store.seeds.ping(seed);
    clock.advance(1_000);
    await untilFlushed(folder, { [seed.imsi]: 1 });
    const { ino } = await stat(join(folder, recordName('seeds', seed.imsi)));
    await store.seeds.ping({ ...seed, lps: 2 });
    await store.seeds.ping({ ...seed, lps: 3 });
    // The earlier write is on disk but may not have settled; the timer starts then.
    await vi.waitFor(() => expect(clock.pending).toBe(idle + 1));
    clock.advance(1_000);
    await untilFlushed(folder, { [seed.imsi]: 3 });
    expect((await stat(join(folder, recordName('seeds', seed.imsi)))).ino).toBe(ino);
    await vi.waitFor(() => expect(clock.pending).toBe(idle));
  });

  test('is written on close', async () => {
    const { store, folder } = await openStore();
    await store.seeds.ping(seed);
    await store.seeds.ping({ ...seed, lps: 7 });
    await store.close();
    expect(await lpsOnDisk(folder)).toEqual({ [seed.imsi]: 7 });
  });

  test('of many seeds forms one valid file', async () => {
    const clock = createFakeClock();
    const folder = temporaryFolder();
    const options = storeOptions(clock);
    const store = await openLowdbStore({
      ...options,
      seeds: { ...options.seeds, maxRegistered: 3_000 },
      folder,
    });
    const imsis = Array.from({ length: 2_050 }, (_, n) => `62401${n}`);
    await Promise.all(imsis.map((imsi, n) => store.seeds.ping({ ...seed, imsi, lps: n + 0.25 })));
    await store.close();
    expect(await lpsOnDisk(folder)).toEqual(Object.fromEntries(imsis.map((imsi, n) => [imsi, n + 0.25])));
  });

  test('determines after a restart which seeds are active, and for how long', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    clock.advance(5_000);
    const late = { ...seed, imsi: '624010000000002', lps: clock.now() / 1_000 };
    await store.seeds.ping(late);
    await store.close();
    clock.advance(15_000);
    const again = await openStore({ folder, clock: createFakeClock(clock.now()) });
    expect(await again.store.seeds.active(20_000)).toHaveLength(2);
    again.clock.advance(1);
    expect(await again.store.seeds.active(20_000)).toEqual([late]);
    again.clock.advance(5_000);
    expect(await again.store.seeds.active(20_000)).toEqual([]);
  });

  test('Q4: in the future after a restart counts as now, and not for longer', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    await store.close();
    const again = await openStore({ folder, clock: createFakeClock(clock.now() - 3_600_000) });
    expect(await again.store.seeds.active(20_000)).toHaveLength(1);
    again.clock.advance(20_001);
    expect(await again.store.seeds.active(20_000)).toEqual([]);
  });

  test('of a seed that became silent moves to its record, and the seed leaves memory', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(seed);
    await store.seeds.ping({ ...seed, lps: 5 });
    clock.advance(30_000);
    await store.seeds.ping({ ...seed, imsi: '624010000000002', lps: 30 });
    const file = join(folder, recordName('seeds', seed.imsi));
    await vi.waitFor(async () => {
      clock.advance(500);
      expect(await recordIn(file)).toEqual({ ...seed, lps: 5 });
    });
    await writeRecordTo(file, { ...seed, lps: 6 });
    await vi.waitFor(async () => expect(await store.seeds.get(seed.imsi)).toEqual({ ...seed, lps: 6 }));
    await store.seeds.ping({ ...seed, imsi: '624010000000002', lps: 31 });
    await store.close();
    expect(await lpsOnDisk(folder)).toEqual({ '624010000000002': 31 });
  });

  test('of a seed whose registration was removed does not restore it', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    await store.close();
    await rm(join(folder, recordName('seeds', seed.imsi)));
    const again = await openStore({ folder, clock });
    expect(await again.store.seeds.active(20_000)).toEqual([]);
    expect(again.log.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });
});

describe('a ping that was acknowledged just before a crash', () => {
  const at = (clock: FakeClock, imsi: string) => ({ ...seed, imsi, lps: clock.now() / 1_000 });

  test('of a new seed has made it active', async () => {
    const { store, folder, clock } = await openStore();
    const imsis = Array.from({ length: maxSeeds }, (_, n) => `62401${n}`);
    await Promise.all(imsis.map((imsi) => store.seeds.ping(at(clock, imsi))));
    const { store: after, log } = await openStore({ folder: await crashImage(folder), clock });
    expect((await after.seeds.active(20_000)).map(({ imsi }) => imsi).sort()).toEqual(imsis.sort());
    expect(await after.seeds.getActive('624011', 20_000)).toEqual(at(clock, '624011'));
    expect(log.lines).toEqual([]);
  });

  test('of a silent seed, in memory or not, has made it active, with its new number', async () => {
    const { store, folder, clock } = await openStore();
    for (const imsi of ['1', '2', '3']) await store.seeds.ping(at(clock, imsi));
    await store.close();
    clock.advance(30_000);
    // After the first flush none of them is in memory.
    const { store: again } = await openStore({ folder, clock });
    await vi.waitFor(async () => {
      await again.seeds.ping(at(clock, '4'));
      clock.advance(500);
      expect(Object.keys(await lpsOnDisk(folder))).toEqual(['4']);
    });
    clock.advance(20_001);
    // This one is in memory and silent.
    await again.seeds.ping(at(clock, '4'));
    await again.seeds.ping({ ...at(clock, '2'), msisdn: '+237650000009' });
    const { store: after } = await openStore({ folder: await crashImage(folder), clock });
    expect(await after.seeds.active(20_000)).toEqual([
      at(clock, '4'),
      { ...at(clock, '2'), msisdn: '+237650000009' },
    ]);
  });

  test('which could not be stored is not acknowledged, and has not made the seed active', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(at(clock, '1'));
    const disk = await fillDiskHalfway();
    await expect(store.seeds.ping(at(clock, '2'))).rejects.toThrow('ENOSPC');
    expect(await store.seeds.active(20_000)).toEqual([at(clock, '1')]);
    disk.mockRestore();
    await store.seeds.ping(at(clock, '3'));
    const { store: after } = await openStore({ folder: await crashImage(folder), clock });
    expect(await after.seeds.active(20_000)).toEqual([at(clock, '1'), at(clock, '3')]);
  });

  test('does not revive a seed that has become silent since, whatever the time', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(at(clock, '1'));
    clock.advance(20_001);
    await store.seeds.active(20_000);
    await vi.waitFor(async () => {
      clock.advance(500);
      expect(await lpsOnDisk(folder)).toEqual({});
    });
    const earlier = createFakeClock(clock.now() - 3_600_000);
    const { store: after } = await openStore({ folder: await crashImage(folder), clock: earlier });
    expect(await after.seeds.active(20_000)).toEqual([]);
  });

  test('is stored in few files, however many pings there are', async () => {
    const clock = createFakeClock();
    const options = storeOptions(clock);
    const folder = temporaryFolder();
    const seeds = { ...options.seeds, maxRegistered: 5_000 };
    const store = await openLowdbStore({ ...options, seeds, folder });
    const imsis = Array.from({ length: 2_500 }, (_, n) => `${n}`);
    for (let n = 0; n < imsis.length; n += 500) {
      await Promise.all(imsis.slice(n, n + 500).map((imsi) => store.seeds.ping(at(clock, imsi))));
      clock.advance(1_000);
      const lps = { [imsis[n] ?? '']: clock.now() / 1_000 - 1 };
      await vi.waitFor(async () => expect(await lpsOnDisk(folder)).toMatchObject(lps));
      expect((await readdir(join(folder, 'lps'))).length).toBeLessThanOrEqual(2);
    }
    await store.close();
  });
});

test('two concurrent pings of a new IMSI write its record once', async () => {
  const { store, folder } = await openStore();
  const rename = vi.spyOn(fs.promises, 'rename');
  await Promise.all([store.seeds.ping(seed), store.seeds.ping({ ...seed, lps: 2 })]);
  const file = join(folder, recordName('seeds', seed.imsi));
  expect(rename.mock.calls.filter(([, to]) => to === file)).toHaveLength(1);
});

test('Q5: recounts registrations at the start', async () => {
  const { store, folder, clock } = await openStore();
  for (let n = 1; n < maxSeeds; n++) await store.seeds.ping({ ...seed, imsi: `62401${n}` });
  await store.close();
  const again = await openStore({ folder, clock });
  await again.store.seeds.ping({ ...seed, imsi: 'the last' });
  expect(await again.store.seeds.usage()).toEqual({ registered: maxSeeds, evicted: 0 });
  await again.store.seeds.ping({ ...seed, imsi: 'one more' });
  expect(await again.store.seeds.usage()).toEqual({ registered: maxSeeds, evicted: 1 });
});

test('L8 evicts the seed that has been silent longest even if it is only on disk, and after registrations were removed', async () => {
  const clock = createFakeClock();
  const folder = temporaryFolder();
  const options = storeOptions(clock);
  const at = (imsi: number) => ({ ...seed, imsi: `62401${imsi}`, lps: clock.now() / 1_000 });
  const first = await openLowdbStore({ ...options, folder });
  for (let n = 0; n < 40; n++) {
    await first.seeds.ping(at(n));
    clock.advance(1_000);
  }
  clock.advance(60_000);
  await first.seeds.ping(at(3));
  await first.close();
  const store = await openLowdbStore({ ...options, seeds: { ...options.seeds, maxRegistered: 30 }, folder });
  await store.seeds.ping(at(100));
  const known = async (imsi: number) => (await store.seeds.get(`62401${imsi}`)) !== undefined;
  expect(await store.seeds.usage()).toEqual({ registered: 30, evicted: 11 });
  // 0 to 11, except the one that pinged again.
  for (const imsi of [0, 1, 2, 4, 11]) expect([imsi, await known(imsi)]).toEqual([imsi, false]);
  for (const imsi of [3, 12, 39, 100]) expect([imsi, await known(imsi)]).toEqual([imsi, true]);
  await store.close();
});

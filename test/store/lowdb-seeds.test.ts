import fs from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { recordName } from '../../src/store/lowdb/record.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { seed, storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { lpsOnDisk, openStore, untilFlushed } from './lowdb-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('LPS', () => {
  test('is on disk within a second, in one file; the record is left alone and no timer stays', async () => {
    const { store, folder, clock } = await openStore();
    const idle = clock.pending;
    await store.seeds.ping(seed);
    clock.advance(1_000);
    await untilFlushed(folder, { [seed.imsi]: 1 });
    const { ino } = await stat(join(folder, recordName('seeds', seed.imsi)));
    await store.seeds.ping({ ...seed, lps: 2 });
    await store.seeds.ping({ ...seed, lps: 3 });
    // The write before is on disk, and may not have ended: the timer begins then.
    await vi.waitFor(() => expect(clock.pending).toBe(idle + 1));
    clock.advance(1_000);
    await untilFlushed(folder, { [seed.imsi]: 3 });
    expect((await stat(join(folder, recordName('seeds', seed.imsi)))).ino).toBe(ino);
    await vi.waitFor(() => expect(clock.pending).toBe(idle));
  });

  test('is written at close', async () => {
    const { store, folder } = await openStore();
    await store.seeds.ping(seed);
    await store.seeds.ping({ ...seed, lps: 7 });
    await store.close();
    expect(await lpsOnDisk(folder)).toEqual({ [seed.imsi]: 7 });
  });

  test('of many seeds makes one good file', async () => {
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

  test('decides after a restart who is active, and for how long', async () => {
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

  test('Q4: in the future after a restart counts as now, not for longer', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    await store.close();
    const again = await openStore({ folder, clock: createFakeClock(clock.now() - 3_600_000) });
    expect(await again.store.seeds.active(20_000)).toHaveLength(1);
    again.clock.advance(20_001);
    expect(await again.store.seeds.active(20_000)).toEqual([]);
  });

  test('of a seed that went quiet moves to its record, and the seed leaves memory', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping(seed);
    await store.seeds.ping({ ...seed, lps: 5 });
    clock.advance(30_000);
    await store.seeds.ping({ ...seed, imsi: '624010000000002', lps: 30 });
    const file = join(folder, recordName('seeds', seed.imsi));
    await vi.waitFor(async () => {
      clock.advance(500);
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ ...seed, lps: 5 });
    });
    await writeFile(file, JSON.stringify({ ...seed, lps: 6 }));
    await vi.waitFor(async () => expect(await store.seeds.get(seed.imsi)).toEqual({ ...seed, lps: 6 }));
    await store.seeds.ping({ ...seed, imsi: '624010000000002', lps: 31 });
    await store.close();
    expect(await lpsOnDisk(folder)).toEqual({ '624010000000002': 31 });
  });

  test('of a seed whose registration was removed does not bring it back', async () => {
    const { store, folder, clock } = await openStore();
    await store.seeds.ping({ ...seed, lps: clock.now() / 1_000 });
    await store.close();
    await rm(join(folder, recordName('seeds', seed.imsi)));
    const again = await openStore({ folder, clock });
    expect(await again.store.seeds.active(20_000)).toEqual([]);
    expect(again.log.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });
});

test('two pings of a new IMSI at once write its record once', async () => {
  const { store, folder } = await openStore();
  const rename = vi.spyOn(fs, 'rename');
  await Promise.all([store.seeds.ping(seed), store.seeds.ping({ ...seed, lps: 2 })]);
  const file = join(folder, recordName('seeds', seed.imsi));
  expect(rename.mock.calls.filter(([, to]) => to === file)).toHaveLength(1);
});

test('Q5: registrations are counted again at start, without what killed writes left', async () => {
  const { store, folder, clock } = await openStore();
  for (let n = 0; n < 199; n++) await store.seeds.ping({ ...seed, imsi: `62401${n}` });
  const kept = join(folder, recordName('seeds', '624010'));
  await writeFile(`${kept}.123456`, '{"imsi":"62');
  await writeFile(join(folder, 'lps.json.99'), '{');
  await store.close();
  const again = await openStore({ folder, clock });
  await again.store.seeds.ping({ ...seed, imsi: '62401199' });
  await expect(again.store.seeds.ping({ ...seed, imsi: '62401200' })).rejects.toThrow('max_registered');
});

import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Receipt } from '../../../src/domain/inbound/model.ts';
import { openLowdbArchive } from '../../../src/store/lowdb/archive.ts';
import { withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { storeOptions } from '../../contract/store.ts';
import { receipt, storedResponse } from '../../contract/ttl-stores.ts';
import {
  crashImage,
  fillDisk,
  fillDiskHalfway,
  firstReceipts,
  openStore,
  receiptFiles,
  receiptLines,
  receiptsOf,
} from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('X7: damage', () => {
  test('truncates an incomplete last line, whatever its length, with a warning, and continues writing', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    const { size } = await stat(join(folder, firstReceipts));
    await store.receipts.put('é', { reply: 'accepted', history: [] });
    const complete = await readFile(join(folder, firstReceipts));
    for (let length = size + 1; length < complete.length; length++) {
      const image = await crashImage(folder);
      await writeFile(join(image, firstReceipts), complete.subarray(0, length));
      const torn = await openStore({ folder: image, clock });
      expect(await receiptsOf(torn.store, ['a', 'é'])).toEqual(['a']);
      expect(torn.log.lines).toEqual([expect.objectContaining({ level: 'warn' })]);
      expect((await stat(join(image, firstReceipts))).size).toBe(size);
      await torn.store.receipts.put('b', receipt);
      await torn.store.close();
      const after = await openStore({ folder: image, clock });
      expect(await receiptsOf(after.store, ['a', 'b'])).toEqual(['a', 'b']);
      expect(after.log.lines).toEqual([]);
      await after.store.close();
    }
  });

  test.each([
    ['not JSON', '{"key":"b","at'],
    ['empty', ''],
    ['zeros', '\u0000\u0000'],
    ['without a checksum', JSON.stringify({ key: 'b', at: 1, value: receipt })],
    [
      'of a wrong type',
      withChecksum(JSON.stringify({ key: 'b', at: 1, value: { ...receipt, reply: 'refused' } })),
    ],
    ['without a time', withChecksum(JSON.stringify({ key: 'b', value: receipt }))],
    ['a response', withChecksum(JSON.stringify({ key: 'b', at: 1, value: storedResponse }))],
  ])('skips any other damaged line (%s), and names it with its file', async (_name, damaged) => {
    const { store, folder, clock } = await openStore();
    for (const key of ['a', 'b', 'c']) await store.receipts.put(key, receipt);
    await store.close();
    const file = join(folder, firstReceipts);
    const [header, a, , ...others] = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, [header, a, damaged, ...others].join('\n'));
    await expect(openLowdbArchive({ ...storeOptions(clock), folder })).rejects.toThrow(
      `${file} line 3 is damaged`,
    );
    const after = await openStore({ folder, clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c'])).toEqual(['a', 'c']);
    const reason = expect.stringContaining(`${file} line 3 is damaged`);
    expect(after.log.lines).toMatchObject([{ level: 'error', fields: { reason } }]);
    await after.store.receipts.put('d', receipt);
    await after.store.close();
    const last = await openStore({ folder, clock });
    expect(await receiptsOf(last.store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd']);
  });

  test.each([0, 1, 40, 50])('names an older file that has lost all but %d lines', async (lines) => {
    const { store, folder, clock } = await openStore();
    for (let n = 0; n < 60; n++) await store.receipts.put(`${n}`, receipt);
    const image = await crashImage(folder);
    const file = join(image, firstReceipts);
    const kept = (await readFile(file, 'utf8')).split('\n').slice(0, lines);
    await writeFile(file, kept.map((line) => `${line}\n`).join(''));
    const after = await openStore({ folder: image, clock });
    const reason = expect.stringContaining(`${file} is damaged (`);
    expect(after.log.lines).toContainEqual(expect.objectContaining({ level: 'error', fields: { reason } }));
    expect(await receiptsOf(after.store, ['0', '58', '59'])).toEqual(
      lines > 1 ? ['0', '58', '59'] : ['58', '59'],
    );
  });

  test.each([0, 1, 2, 3])(
    'names the newest file of a closed store when it has %d of 4 lines, and keeps later puts',
    async (lines) => {
      const { store, folder, clock } = await openStore();
      for (const key of ['a', 'b']) await store.receipts.put(key, receipt);
      await store.close();
      const file = join(folder, firstReceipts);
      const all = (await readFile(file, 'utf8')).split('\n');
      expect(all).toHaveLength(5);
      await writeFile(
        file,
        all
          .slice(0, lines)
          .map((line) => `${line}\n`)
          .join(''),
      );
      const after = await openStore({ folder, clock });
      const reason = expect.stringContaining(`${file} is damaged (`);
      expect(after.log.lines).toMatchObject([{ level: 'error', fields: { reason } }]);
      await after.store.receipts.put('c', receipt);
      await after.store.close();
      const last = await openStore({ folder, clock });
      expect(await receiptsOf(last.store, ['a', 'b', 'c'])).toEqual([
        ...['a', 'b'].slice(0, Math.max(0, lines - 1)),
        'c',
      ]);
    },
  );
});

describe('X7: a failing disk', () => {
  const refused: Receipt = { reply: 'accepted', history: [] };

  test('a failed put is reported, kept in memory, leaves nothing in the file, and is written as soon as the disk takes it', async () => {
    const { store, folder, clock } = await openStore();
    const keys = ['a', 'b', 'c', 'd'];
    await store.receipts.put('a', receipt);
    const disk = await fillDiskHalfway();
    for (const key of ['b', 'c']) {
      const failing = store.receipts.put(key, refused);
      await expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(failing).rejects.toThrow(/ENOSPC/);
      await expect(failing).rejects.toThrow(join(folder, firstReceipts));
    }
    const image = await crashImage(folder);
    disk.mockRestore();
    const torn = await openStore({ folder: image, clock });
    expect(await receiptsOf(torn.store, ['a', 'b', 'c'])).toEqual(['a']);
    await store.receipts.put('d', receipt);
    expect(await store.receipts.get('b')).toEqual(refused);
    expect(await receiptLines(folder)).toMatchObject([{ key: 'a' }, { key: 'd' }]);
    clock.advance(5_000);
    await vi.waitFor(async () => expect(await receiptLines(folder)).toHaveLength(4));
    const { store: after } = await openStore({ folder: await crashImage(folder), clock });
    expect(await receiptsOf(after, keys)).toEqual(keys);
  });

  test('values of failed puts are tried again at the end, the last of each key, without those that were replaced since', async () => {
    const { store, folder, clock } = await openStore();
    const disk = await fillDiskHalfway();
    for (const body of ['1', '2', '3']) {
      for (const key of ['a', 'b'])
        await expect(store.responses.put(key, { request: key, body })).rejects.toThrow('ENOSPC');
    }
    disk.mockRestore();
    await store.responses.put('a', { request: 'a', body: '4' });
    await store.close();
    const { store: after } = await openStore({ folder, clock });
    expect(await after.responses.get('a')).toEqual({ request: 'a', body: '4' });
    expect(await after.responses.get('b')).toEqual({ request: 'b', body: '3' });
    const lines = (await readFile(join(folder, 'responses', '1.ndjson'), 'utf8')).split('\n');
    expect(lines.filter((line) => line.includes('"key"'))).toHaveLength(2);
  });

  test('starts a new file only when the last one has no partial line', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    const disk = await fillDiskHalfway();
    await expect(store.receipts.put('b', refused)).rejects.toThrow('ENOSPC');
    disk.mockRestore();
    clock.advance(30_000);
    await store.receipts.put('c', receipt);
    expect(await receiptFiles(folder)).toEqual(['1.ndjson', '2.ndjson']);
    const after = await openStore({ folder: await crashImage(folder), clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
  });

  test('a value whose replacement needs a new file is on disk until that is written', async () => {
    const { store, folder, clock } = await openStore();
    const later = { ...storedResponse, body: '{}' };
    await store.receipts.put('a', receipt);
    clock.advance(10_000);
    await store.responses.put('r', storedResponse);
    clock.advance(20_000);
    const disk = fillDisk();
    await expect(store.receipts.put('a', refused)).rejects.toThrow('ENOSPC');
    await expect(store.responses.replace('r', later, storedResponse)).rejects.toThrow('ENOSPC');
    disk.mockRestore();
    const after = await openStore({ folder: await crashImage(folder), clock });
    expect(await after.store.receipts.get('a')).toEqual(receipt);
    expect(await after.store.responses.get('r')).toEqual(storedResponse);
    await store.receipts.put('a', refused);
    await store.responses.put('r', later);
    const last = await openStore({ folder: await crashImage(folder), clock });
    expect(await last.store.receipts.get('a')).toEqual(refused);
    expect(await last.store.responses.get('r')).toEqual(later);
  });

  test('rejects puts while no new file can be created, and writes them when it can', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    clock.advance(30_000);
    const obstacle = join(folder, 'receipts', '2.ndjson');
    await mkdir(obstacle);
    for (let n = 0; n < 3; n++) await expect(store.receipts.put('b', receipt)).rejects.toThrow(obstacle);
    await rm(obstacle, { recursive: true });
    await store.receipts.put('c', receipt);
    await store.close();
    const after = await openStore({ folder, clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
  });
});

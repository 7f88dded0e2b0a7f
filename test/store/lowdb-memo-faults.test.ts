import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Receipt } from '../../src/domain/model.ts';
import { answer, receipt } from '../contract/memos.ts';
import {
  crashImage,
  fillDiskHalfway,
  firstReceipts,
  openStore,
  receiptFiles,
  receiptLines,
  receiptsOf,
} from './lowdb-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('X7: damage', () => {
  test('a last line that was cut short at any byte is cut off, with a warning, and writing goes on', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    const { size } = await stat(join(folder, firstReceipts));
    await store.published.put('é', { answer: 'accepted', life: [] });
    const whole = await readFile(join(folder, firstReceipts));
    await store.close();
    for (let length = size + 1; length < whole.length; length++) {
      await writeFile(join(folder, firstReceipts), whole.subarray(0, length));
      const torn = await openStore({ folder, clock });
      expect(await receiptsOf(torn.store, ['a', 'é'])).toEqual(['a']);
      expect(torn.log.lines).toEqual([expect.objectContaining({ level: 'warn' })]);
      expect((await stat(join(folder, firstReceipts))).size).toBe(size);
      await torn.store.published.put('b', receipt);
      await torn.store.close();
      const after = await openStore({ folder, clock });
      expect(await receiptsOf(after.store, ['a', 'b'])).toEqual(['a', 'b']);
      expect(after.log.lines).toEqual([]);
      await after.store.close();
    }
  });

  test.each([
    ['not JSON', '{"key":"b","at'],
    ['empty', ''],
    ['zeros', '\u0000\u0000'],
    ['of a wrong type', JSON.stringify({ key: 'b', at: 1, value: { ...receipt, answer: 'refused' } })],
    ['without a time', JSON.stringify({ key: 'b', value: receipt })],
    ['an answer', JSON.stringify({ key: 'b', at: 1, value: answer })],
  ])(
    'another line that is damaged (%s): the store does not open, names file and line, and does when it is removed',
    async (_name, damaged) => {
      const { store, folder, clock } = await openStore();
      for (const key of ['a', 'b', 'c']) await store.published.put(key, receipt);
      await store.close();
      const file = join(folder, firstReceipts);
      const [a, , c] = (await readFile(file, 'utf8')).split('\n');
      const text = [a, damaged, c, ''].join('\n');
      await writeFile(file, text);
      const opening = openStore({ folder, clock });
      await expect(opening).rejects.toMatchObject({ code: 'CONFIG' });
      await expect(opening).rejects.toThrow(`${file} line 2 is damaged`);
      await expect(opening).rejects.toThrow('restore it from a backup or remove it');
      expect(await readFile(file, 'utf8')).toBe(text);
      await writeFile(file, [a, c, ''].join('\n'));
      const after = await openStore({ folder, clock });
      expect(await receiptsOf(after.store, ['a', 'b', 'c'])).toEqual(['a', 'c']);
    },
  );

  test('a file that is not the last one and is cut short is damaged: what was in it was acknowledged', async () => {
    const { store, folder, clock } = await openStore();
    for (let n = 0; n < 60; n++) await store.published.put(`${n}`, receipt);
    await store.close();
    const text = await readFile(join(folder, firstReceipts), 'utf8');
    await writeFile(join(folder, firstReceipts), text.slice(0, -9));
    await expect(openStore({ folder, clock })).rejects.toThrow(
      `${join(folder, firstReceipts)} line 50 is damaged`,
    );
  });
});

describe('X7: a disk that refuses', () => {
  const refused: Receipt = { answer: 'accepted', life: [] };

  test('a failed put is told, remembered until the end, and leaves nothing in the file', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    const disk = await fillDiskHalfway();
    for (const key of ['b', 'c']) {
      const failing = store.published.put(key, refused);
      await expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await expect(failing).rejects.toThrow(/ENOSPC/);
      await expect(failing).rejects.toThrow(join(folder, firstReceipts));
    }
    const torn = await openStore({ folder: await crashImage(folder), clock });
    expect(await receiptsOf(torn.store, ['a', 'b', 'c'])).toEqual(['a']);
    disk.mockRestore();
    await store.published.put('d', receipt);
    expect(await store.published.get('b')).toEqual(refused);
    expect(await receiptLines(folder)).toMatchObject([{ key: 'a' }, { key: 'd' }]);
    await store.close();
    const after = await openStore({ folder, clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'd']);
  });

  test('a file is left only when nothing half-written is in it', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    const disk = await fillDiskHalfway();
    await expect(store.published.put('b', refused)).rejects.toThrow('ENOSPC');
    disk.mockRestore();
    clock.advance(30_000);
    await store.published.put('c', receipt);
    expect(await receiptFiles(folder)).toEqual(['1.ndjson', '2.ndjson']);
    const after = await openStore({ folder: await crashImage(folder), clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c'])).toEqual(['a', 'c']);
  });

  test('when no new file can be made puts are refused until it can', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    clock.advance(30_000);
    const obstacle = join(folder, 'published', '2.ndjson');
    await mkdir(obstacle);
    for (let n = 0; n < 3; n++) await expect(store.published.put('b', receipt)).rejects.toThrow(obstacle);
    await rm(obstacle, { recursive: true });
    await store.published.put('c', receipt);
    await store.close();
    const after = await openStore({ folder, clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c'])).toEqual(['a', 'c']);
  });
});

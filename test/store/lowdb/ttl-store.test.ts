import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { keptForMs } from '../../../src/store/lowdb/expired-segments.ts';
import { user } from '../../contract/store.ts';
import { receipt, storedResponse } from '../../contract/ttl-stores.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { crashImage, firstReceipts, openStore, receiptFiles, receiptLines, receiptsOf } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Nothing is synced before `resume`. */
async function pauseSyncs() {
  const prototype = await fileHandlePrototype();
  const datasync = prototype.datasync;
  let resume = (): void => {};
  const resumed = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const sync = vi.spyOn(prototype, 'datasync').mockImplementation(async function (this: typeof prototype) {
    await resumed;
    return datasync.call(this);
  });
  return { sync, resume };
}

describe('acknowledged writes are on disk', () => {
  test('a value survives closing and opening, and a crash just after the acknowledgement', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', { reply: 'accepted', history: [] });
    await store.receipts.put('a', receipt);
    await store.responses.put('b', storedResponse);
    const crashed = await openStore({ folder: await crashImage(folder), clock });
    await store.close();
    const closed = await openStore({ folder, clock });
    for (const after of [crashed.store, closed.store]) {
      expect(await after.receipts.get('a')).toEqual(receipt);
      expect(await after.responses.get('b')).toEqual(storedResponse);
      expect(await after.receipts.get('b')).toBeUndefined();
    }
    expect(crashed.log.lines).toEqual([]);
  });

  test('files are readable by their owner only', async () => {
    const { store, folder } = await openStore();
    await store.receipts.put('a', receipt);
    expect((await stat(join(folder, firstReceipts))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'receipts'))).mode & 0o777).toBe(0o700);
  });

  test('values that arrive during a write share one sync', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('the first', receipt);
    const { sync, resume } = await pauseSyncs();
    const puts = [store.receipts.put('in progress', receipt)];
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(1));
    for (let n = 0; n < 90; n++) puts.push(store.receipts.put(`${n}`, receipt));
    resume();
    await Promise.all(puts);
    expect(sync).toHaveBeenCalledTimes(2);
    const after = await openStore({ folder: await crashImage(folder), clock });
    expect(await receiptsOf(after.store, ['the first', 'in progress', '0', '89'])).toHaveLength(4);
  });

  test('rejects puts above the limit of waiting ones, but keeps their values in memory', async () => {
    const { store } = await openStore();
    const puts = Array.from({ length: 10_001 }, (_, n) => store.receipts.put(`${n}`, receipt));
    const results = await Promise.allSettled(puts);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    await expect(puts.at(-1)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
    expect(await store.receipts.get('10000')).toEqual(receipt);
  });

  test('closing writes the waiting values; a closed store rejects puts', async () => {
    const { store, folder, clock } = await openStore();
    const done: string[] = [];
    const { resume } = await pauseSyncs();
    const puts = ['a', 'b', 'c'].map((key) => store.receipts.put(key, receipt).then(() => done.push(key)));
    const closing = store.close().then(() => done.push('closed'));
    await expect(store.receipts.put('d', receipt)).rejects.toThrow('the store is closed');
    await crashImage(folder);
    resume();
    await Promise.all([...puts, closing]);
    expect(done).toEqual(['a', 'b', 'c', 'closed']);
    const after = await openStore({ folder, clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'c']);
  });

  test('a store that another host has taken over does not write', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    const before = await readFile(join(folder, firstReceipts), 'utf8');
    await rm(join(folder, 'lock.1'));
    clock.advance(10_000);
    await vi.waitFor(async () => {
      await expect(store.users.put(user)).rejects.toThrow('has taken over the store');
    });
    await expect(store.receipts.put('b', receipt)).rejects.toThrow('has taken over the store');
    clock.advance(60_000);
    await expect(store.receipts.put('c', receipt)).rejects.toThrow('has taken over the store');
    await store.close();
    expect(await receiptFiles(folder)).toEqual(['1.ndjson']);
    expect(await readFile(join(folder, firstReceipts), 'utf8')).toBe(before);
  });
});

describe('age', () => {
  test('continues over a restart', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    clock.advance(40_000);
    await store.receipts.put('b', receipt);
    await store.close();
    clock.advance(19_999);
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, ['a', 'b'])).toEqual(['a', 'b']);
    clock.advance(1);
    expect(await receiptsOf(after, ['a', 'b'])).toEqual(['b']);
    clock.advance(40_000);
    expect(await receiptsOf(after, ['a', 'b'])).toEqual([]);
  });

  test('of a value put in the future is zero', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    await store.close();
    const earlier = createFakeClock(clock.now() - 86_400_000);
    const { store: after } = await openStore({ folder, clock: earlier });
    earlier.advance(59_999);
    expect(await receiptsOf(after, ['a'])).toEqual(['a']);
    earlier.advance(1);
    expect(await receiptsOf(after, ['a'])).toEqual([]);
  });
});

describe('files do not grow without limit', () => {
  const lineBound = 100 + 50 + 50;

  test('removes files without live entries, and keeps live entries', async () => {
    const { store, folder, clock } = await openStore();
    const keys = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    for (const key of keys) {
      await store.receipts.put(key, receipt);
      expect((await receiptFiles(folder)).length).toBeLessThanOrEqual(4);
    }
    expect((await receiptLines(folder)).length).toBeLessThanOrEqual(lineBound);
    await store.close();
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, keys)).toEqual(keys.slice(900));
  });

  test('even when the same value is put repeatedly', async () => {
    const { store, folder } = await openStore();
    await store.receipts.put('another', receipt);
    for (let n = 0; n < 500; n++) await store.receipts.put('a', receipt);
    expect((await receiptLines(folder)).length).toBeLessThanOrEqual(lineBound);
    const after = await openStore({ folder: await crashImage(folder) });
    expect(await receiptsOf(after.store, ['another', 'a'])).toEqual(['another', 'a']);
  });

  test('even when few values arrive over a long time', async () => {
    const { store, folder, clock } = await openStore();
    for (let n = 0; n < 100; n++) {
      await store.receipts.put(`${n}`, receipt);
      clock.advance(10_000);
      expect((await receiptLines(folder)).length).toBeLessThanOrEqual(12);
    }
    await store.close();
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, ['93', '94', '95', '99'])).toEqual(['95', '99']);
  });

  test('removes files that had expired at the start after an hour, and a restart starts no new file', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    await store.close();
    for (const key of ['b', 'c', 'd']) {
      const { store: again } = await openStore({ folder, clock });
      await again.receipts.put(key, receipt);
      await again.close();
    }
    expect(await receiptFiles(folder)).toEqual(['1.ndjson']);
    clock.advance(60_000);
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, ['a', 'b', 'c', 'd'])).toEqual([]);
    clock.leap(keptForMs);
    await after.receipts.put('e', receipt);
    expect(await receiptLines(folder)).toHaveLength(1);
  });

  test('starts a new file when the first line has reached half the time to live, whenever the store was opened', async () => {
    const { store, folder, clock } = await openStore();
    await store.receipts.put('a', receipt);
    await store.close();
    clock.advance(29_999);
    const { store: again } = await openStore({ folder, clock });
    await again.receipts.put('b', receipt);
    expect(await receiptFiles(folder)).toEqual(['1.ndjson']);
    clock.advance(1);
    await again.receipts.put('c', receipt);
    expect(await receiptFiles(folder)).toEqual(['1.ndjson', '2.ndjson']);
  });

  test('reports a file that cannot be removed, still accepts puts, and removes it later', async () => {
    const { store, folder, log } = await openStore();
    const putUpTo = async (last: number) => {
      for (let n = last - 49; n <= last; n++) await store.receipts.put(`${n}`, receipt);
    };
    await putUpTo(50);
    await putUpTo(100);
    await rm(join(folder, firstReceipts));
    await mkdir(join(folder, firstReceipts));
    await putUpTo(150);
    await putUpTo(200);
    expect(log.lines).toEqual([expect.objectContaining({ level: 'warn' })]);
    expect(await receiptFiles(folder)).toHaveLength(4);
    await rm(join(folder, firstReceipts), { recursive: true });
    await writeFile(join(folder, firstReceipts), '');
    await putUpTo(250);
    expect(await receiptFiles(folder)).toEqual(['3.ndjson', '4.ndjson', '5.ndjson']);
  });
});

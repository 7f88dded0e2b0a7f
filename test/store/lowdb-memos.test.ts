import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { answer, receipt } from '../contract/memos.ts';
import { user } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import {
  crashImage,
  fileHandlePrototype,
  firstReceipts,
  openStore,
  receiptFiles,
  receiptLines,
  receiptsOf,
} from './lowdb-support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Nothing is synced before `letGo`. */
async function haltSyncs() {
  const prototype = await fileHandlePrototype();
  const datasync = prototype.datasync;
  let letGo = (): void => {};
  const halted = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const sync = vi.spyOn(prototype, 'datasync').mockImplementation(async function (this: typeof prototype) {
    await halted;
    return datasync.call(this);
  });
  return { sync, letGo };
}

describe('what is acknowledged is on disk', () => {
  test('it survives closing and opening, and a crash right after the answer', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', { answer: 'accepted', life: [] });
    await store.published.put('a', receipt);
    await store.answers.put('b', answer);
    const crashed = await openStore({ folder: await crashImage(folder), clock });
    await store.close();
    const closed = await openStore({ folder, clock });
    for (const after of [crashed.store, closed.store]) {
      expect(await after.published.get('a')).toEqual(receipt);
      expect(await after.answers.get('b')).toEqual(answer);
      expect(await after.published.get('b')).toBeUndefined();
    }
    expect(crashed.log.lines).toEqual([]);
  });

  test('files are readable by their owner only', async () => {
    const { store, folder } = await openStore();
    await store.published.put('a', receipt);
    expect((await stat(join(folder, firstReceipts))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'published'))).mode & 0o777).toBe(0o700);
  });

  test('what comes while a write is under way goes out with one sync', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('the first', receipt);
    const { sync, letGo } = await haltSyncs();
    const puts = [store.published.put('under way', receipt)];
    await vi.waitFor(() => expect(sync).toHaveBeenCalledTimes(1));
    for (let n = 0; n < 90; n++) puts.push(store.published.put(`${n}`, receipt));
    letGo();
    await Promise.all(puts);
    expect(sync).toHaveBeenCalledTimes(2);
    const after = await openStore({ folder: await crashImage(folder), clock });
    expect(await receiptsOf(after.store, ['the first', 'under way', '0', '89'])).toHaveLength(4);
  });

  test('more than may wait for the disk are refused, and remembered all the same', async () => {
    const { store } = await openStore();
    const puts = Array.from({ length: 10_001 }, (_, n) => store.published.put(`${n}`, receipt));
    const results = await Promise.allSettled(puts);
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    await expect(puts.at(-1)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
    expect(await store.published.get('10000')).toEqual(receipt);
  });

  test('closing writes what waits; a closed store takes nothing more', async () => {
    const { store, folder, clock } = await openStore();
    const done: string[] = [];
    const { letGo } = await haltSyncs();
    const puts = ['a', 'b', 'c'].map((key) => store.published.put(key, receipt).then(() => done.push(key)));
    const closing = store.close().then(() => done.push('closed'));
    await expect(store.published.put('d', receipt)).rejects.toThrow('the store is closed');
    await crashImage(folder);
    letGo();
    await Promise.all([...puts, closing]);
    expect(done).toEqual(['a', 'b', 'c', 'closed']);
    const after = await openStore({ folder, clock });
    expect(await receiptsOf(after.store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'b', 'c']);
  });

  test('a store that another host has taken over writes no more', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    const before = await readFile(join(folder, firstReceipts), 'utf8');
    await rm(join(folder, 'lock.1'));
    clock.advance(10_000);
    await vi.waitFor(async () => {
      await expect(store.users.put(user)).rejects.toThrow('has taken over the store');
    });
    await expect(store.published.put('b', receipt)).rejects.toThrow('has taken over the store');
    clock.advance(60_000);
    await expect(store.published.put('c', receipt)).rejects.toThrow('has taken over the store');
    await store.close();
    expect(await receiptFiles(folder)).toEqual(['1.ndjson']);
    expect(await readFile(join(folder, firstReceipts), 'utf8')).toBe(before);
  });
});

describe('age', () => {
  test('goes on over a restart', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    clock.advance(40_000);
    await store.published.put('b', receipt);
    await store.close();
    clock.advance(19_999);
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, ['a', 'b'])).toEqual(['a', 'b']);
    clock.advance(1);
    expect(await receiptsOf(after, ['a', 'b'])).toEqual(['b']);
    clock.advance(40_000);
    expect(await receiptsOf(after, ['a', 'b'])).toEqual([]);
  });

  test('of what was put in a time to come is none', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    await store.close();
    const earlier = createFakeClock(clock.now() - 86_400_000);
    const { store: after } = await openStore({ folder, clock: earlier });
    earlier.advance(59_999);
    expect(await receiptsOf(after, ['a'])).toEqual(['a']);
    earlier.advance(1);
    expect(await receiptsOf(after, ['a'])).toEqual([]);
  });
});

describe('files do not grow without end', () => {
  const lineBound = 100 + 50 + 50;

  test('those that hold nothing remembered any more are removed; what is remembered is still there after', async () => {
    const { store, folder, clock } = await openStore();
    const keys = Array.from({ length: 1_000 }, (_, n) => `${n}`);
    for (const key of keys) {
      await store.published.put(key, receipt);
      expect((await receiptFiles(folder)).length).toBeLessThanOrEqual(4);
    }
    expect((await receiptLines(folder)).length).toBeLessThanOrEqual(lineBound);
    await store.close();
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, keys)).toEqual(keys.slice(900));
  });

  test('nor when the same is put again and again', async () => {
    const { store, folder } = await openStore();
    await store.published.put('another', receipt);
    for (let n = 0; n < 500; n++) await store.published.put('a', receipt);
    expect((await receiptLines(folder)).length).toBeLessThanOrEqual(lineBound);
    const after = await openStore({ folder: await crashImage(folder) });
    expect(await receiptsOf(after.store, ['another', 'a'])).toEqual(['another', 'a']);
  });

  test('nor when a few come over a long time', async () => {
    const { store, folder, clock } = await openStore();
    for (let n = 0; n < 100; n++) {
      await store.published.put(`${n}`, receipt);
      clock.advance(10_000);
      expect((await receiptLines(folder)).length).toBeLessThanOrEqual(12);
    }
    await store.close();
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptsOf(after, ['93', '94', '95', '99'])).toEqual(['95', '99']);
  });

  test('what is too old at the start is removed, and a restart begins no new file', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    await store.close();
    for (const key of ['b', 'c', 'd']) {
      const { store: again } = await openStore({ folder, clock });
      await again.published.put(key, receipt);
      await again.close();
    }
    expect(await receiptFiles(folder)).toEqual(['1.ndjson']);
    clock.advance(60_000);
    const { store: after } = await openStore({ folder, clock });
    expect(await receiptFiles(folder)).toEqual([]);
    await after.published.put('e', receipt);
    expect(await receiptLines(folder)).toHaveLength(1);
  });

  test('a file is left when its first line is half as old as may be, whenever the store was opened', async () => {
    const { store, folder, clock } = await openStore();
    await store.published.put('a', receipt);
    await store.close();
    clock.advance(29_999);
    const { store: again } = await openStore({ folder, clock });
    await again.published.put('b', receipt);
    expect(await receiptFiles(folder)).toEqual(['1.ndjson']);
    clock.advance(1);
    await again.published.put('c', receipt);
    expect(await receiptFiles(folder)).toEqual(['1.ndjson', '2.ndjson']);
  });

  test('a file that cannot be removed is told, hinders no put, and is removed another time', async () => {
    const { store, folder, log } = await openStore();
    const putUpTo = async (last: number) => {
      for (let n = last - 49; n <= last; n++) await store.published.put(`${n}`, receipt);
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

// Attempts that are recorded before they are made, in the lowdb store: their state after a crash, on a full disk
// and with a damaged line.

import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { entry, waiting } from '../../contract/outboxes.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { crashImage, fillDiskHalfway, openStore } from './support.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const sending = { ...entry, attemptStartedAt: 1_648_206_123_000 };
const journal = (folder: string) => join(folder, 'attempts-inbound');
const journalFiles = async (folder: string) => (await readdir(journal(folder))).sort();

describe('a running attempt', () => {
  test('survives a crash, keeps its due time, and is known as started', async () => {
    const { store, folder } = await openStore();
    await store.inbound.putClaimed(sending);
    const { store: after } = await openStore({ folder: await crashImage(folder) });
    expect(await after.inbound.get(entry.id)).toEqual(sending);
    expect(await after.inbound.claim(Number.MAX_SAFE_INTEGER, 9)).toEqual([entry.id]);
  });

  test('is gone after a crash or a close once it is over', async () => {
    const { store, folder } = await openStore();
    await store.inbound.putClaimed(sending);
    await store.inbound.settle(entry.id, undefined);
    await store.inbound.putClaimed({ ...sending, id: 'b' });
    await store.inbound.settle('b', { ...waiting('b', 7) });
    await store.inbound.putClaimed({ ...sending, id: 'c' });
    const image = await crashImage(folder);
    await store.close();
    // A closed store has them in files, because a lost line would go unnoticed.
    expect(await journalFiles(folder)).toEqual([]);
    for (const path of [image, folder]) {
      const { store: after } = await openStore({ folder: path });
      expect(await after.inbound.get(entry.id)).toBeUndefined();
      expect(await after.inbound.get('b')).toEqual(waiting('b', 7));
      expect(await after.inbound.get('c')).toEqual({ ...sending, id: 'c' });
      await after.close();
    }
  });

  test('is kept after a crash, also above a maximum that was lowered', async () => {
    const { store, folder } = await openStore();
    for (const id of ['a', 'b', 'c']) await store.inbound.putClaimed({ ...sending, id });
    const clock = createFakeClock();
    const options = { ...storeOptions(clock), inbound: { max: 2 }, folder: await crashImage(folder) };
    const after = await openLowdbStore(options);
    expect(await after.inbound.count()).toEqual({ waiting: 3, deadLetters: 0 });
    await expect(after.inbound.put(waiting('d', 1))).rejects.toThrow('[publisher] max_kept');
    await after.close();
  });

  test('is superseded by the newer file of the same entry', async () => {
    const { store, folder } = await openStore();
    await store.inbound.putClaimed(sending);
    await store.inbound.settle(entry.id, waiting(entry.id, 9));
    // Killed before the journal recorded the end of the attempt.
    const [first] = await journalFiles(folder);
    const file = join(journal(folder), first ?? '');
    const image = await crashImage(folder);
    const [line] = (await readFile(file, 'utf8')).split('\n');
    await writeFile(join(journal(image), first ?? ''), `${line}\n`);
    const { store: after } = await openStore({ folder: image });
    expect(await after.inbound.get(entry.id)).toEqual(waiting(entry.id, 9));
  });

  test('shares its syncs with many concurrent ones', async () => {
    const { store } = await openStore();
    await store.inbound.putClaimed({ ...sending, id: 'first' });
    const syncs = vi.spyOn(await fileHandlePrototype(), 'datasync');
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => store.inbound.putClaimed({ ...sending, id: `${n}` })),
    );
    expect(syncs.mock.calls.length).toBeLessThan(4);
  });

  test('is rejected on a full disk without a partial line, and the next one is complete', async () => {
    const { store, folder } = await openStore();
    await store.inbound.putClaimed({ ...sending, id: 'a' });
    const full = await fillDiskHalfway();
    await expect(store.inbound.putClaimed(sending)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await store.inbound.get(entry.id)).toBeUndefined();
    full.mockRestore();
    await store.inbound.putClaimed({ ...sending, id: 'b' });
    const { store: after, log } = await openStore({ folder: await crashImage(folder) });
    expect((await after.inbound.waiting(9)).map(({ id }) => id).sort()).toEqual(['a', 'b']);
    expect(log.lines).toEqual([]);
  });

  test('a truncated line was never acknowledged; a damaged one is named, and the others are used', async () => {
    const { store, folder } = await openStore();
    for (const id of ['a', 'b', 'c']) await store.inbound.putClaimed({ ...sending, id });
    const image = await crashImage(folder);
    const file = join(journal(image), '1.ndjson');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"id":"b"', '"id":"d"'));
    await appendFile(file, '{"record":{"record":{"id":"half');
    const { store: after, log } = await openStore({ folder: image });
    expect((await after.inbound.waiting(9)).map(({ id }) => id).sort()).toEqual(['a', 'c']);
    expect(log.lines.map(({ level }) => level).sort()).toEqual(['error', 'warn']);
    expect(JSON.stringify(log.lines)).toContain('1.ndjson line 2');
  });

  test('leaves no files behind once it is over, however many there were', async () => {
    const { store, folder } = await openStore();
    const large = { ...sending, content: { ...entry.content, text: 'x'.repeat(1024 * 1024) } };
    for (let n = 0; n < 20; n++) {
      await store.inbound.putClaimed({ ...large, id: `${n}` });
      await store.inbound.settle(`${n}`, undefined);
    }
    expect((await journalFiles(folder)).length).toBeLessThanOrEqual(2);
    await store.close();
    const { store: after } = await openStore({ folder });
    expect(await after.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
    expect(await journalFiles(folder)).toEqual([]);
  });
});

// Opening, crashing and failing lowdb stores, for their tests.

import fs from 'node:fs';
import { cp, type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import type { Store } from '../../src/domain/ports.ts';
import { openLowdbStore } from '../../src/store/lowdb/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';

/** Opens the folder, new unless given; closes it when the test is over. */
export async function openStore({ folder = '', clock = createFakeClock() } = {}) {
  const path = folder || temporaryFolder();
  const log = createMemoryLog();
  const store = await openLowdbStore({ ...storeOptions(clock), log, folder: path });
  onTestFinished(() => store.close().catch(() => {}));
  return { store, clock, log, folder: path };
}

/** The folder as a power cut would leave it now: the process that holds the lock is no more. */
export async function crashImage(folder: string): Promise<string> {
  const image = temporaryFolder();
  await cp(folder, image, { recursive: true });
  for (const name of await readdir(image)) if (name.startsWith('lock.')) await rm(join(image, name));
  return image;
}

export const lpsOnDisk = async (folder: string) =>
  JSON.parse(await readFile(join(folder, 'lps.json'), 'utf8'));
export const untilFlushed = (folder: string, lps: Record<string, number>) =>
  vi.waitFor(async () => expect(await lpsOnDisk(folder)).toEqual(lps), { interval: 5 });

const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
/** From now on no file can be put in its place. */
export function fillDisk() {
  // Sound: replace-file.ts calls it with a callback as the third argument, and nothing else does here.
  const full = ((_from: string, _to: string, done: (error: Error) => void) =>
    done(noSpace)) as typeof fs.rename;
  return vi.spyOn(fs, 'rename').mockImplementation(full);
}

/** From now on files that grow take half of what they are given, and then no more. */
export async function fillDiskHalfway() {
  const prototype = await fileHandlePrototype();
  return vi.spyOn(prototype, 'appendFile').mockImplementation(async function (
    this: FileHandle,
    data: string | Uint8Array,
  ) {
    const bytes = Buffer.from(data);
    await this.write(bytes.subarray(0, bytes.length / 2));
    throw noSpace;
  });
}

/** What all open files share, to watch or to fail their methods. */
export async function fileHandlePrototype(): Promise<FileHandle> {
  const handle = await open(tmpdir());
  await handle.close();
  return Object.getPrototypeOf(handle);
}

/** The file that receipts go to first, in the store's folder. */
export const firstReceipts = join('published', '1.ndjson');
/** The names of the files with receipts. */
export const receiptFiles = async (folder: string) => (await readdir(join(folder, 'published'))).sort();
/** Which of these messages the store has a receipt of. */
export async function receiptsOf({ published }: Store, ids: string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => published.get(id)));
  return ids.filter((_, index) => found[index] !== undefined);
}
/** All lines of the files with receipts. */
export async function receiptLines(folder: string): Promise<unknown[]> {
  const names = await receiptFiles(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'published', name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => JSON.parse(line));
}

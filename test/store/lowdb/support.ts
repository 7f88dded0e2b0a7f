// Opens, crashes and fails lowdb stores. For their tests.

import fs from 'node:fs';
import { cp, type FileHandle, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import type { Store } from '../../../src/domain/store.ts';
import { systemErrorCode } from '../../../src/errors.ts';
import { verifyChecksum, withChecksum } from '../../../src/store/lowdb/checksum.ts';
import { openLowdbStore } from '../../../src/store/lowdb/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog } from '../../support/log.ts';

/** Opens the folder, by default a new one, and closes it at the end of the test. */
export async function openStore({ folder = '', clock = createFakeClock() } = {}) {
  const path = folder || temporaryFolder();
  const log = createMemoryLog();
  const store = await openLowdbStore({ ...storeOptions(clock), log, folder: path });
  onTestFinished(() => store.close().catch(() => {}));
  return { store, clock, log, folder: path };
}

/** The folder as a power cut would leave it now, without the process that holds the lock. */
export async function crashImage(folder: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const image = temporaryFolder();
    try {
      await cp(folder, image, { recursive: true, filter: (path) => !/^\.?lock[.-]/.test(basename(path)) });
      return image;
    } catch (error) {
      // The store has renamed a file between its being listed and copied.
      if (systemErrorCode(error) !== 'ENOENT' || attempt === 20) throw error;
    }
  }
}

/** The content of a record's file, without its checksum. */
export async function recordIn(file: string) {
  return JSON.parse(verifyChecksum(await readFile(file, 'utf8')) ?? 'the checksum does not fit');
}

/** Writes a record as the store does. */
export async function writeRecordTo(file: string, record: unknown): Promise<void> {
  await writeFile(file, withChecksum(JSON.stringify(record)));
}

export const lpsOnDisk = async (folder: string) => (await recordIn(join(folder, 'lps.json')))?.lps;
export const untilFlushed = (folder: string, lps: Record<string, number>) =>
  vi.waitFor(async () => expect(await lpsOnDisk(folder)).toEqual(lps), { interval: 5 });

const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
/** From now on no file can be renamed into place. */
export function fillDisk() {
  return vi.spyOn(fs.promises, 'rename').mockRejectedValue(noSpace);
}

/** From now on each file takes half of what is first written to it, without an error, and then nothing more. */
export async function fillDiskHalfway() {
  const prototype = await fileHandlePrototype();
  const write: unknown = prototype.write;
  const full = new WeakSet<FileHandle>();
  return vi.spyOn(prototype, 'write').mockImplementation(async function (
    this: FileHandle,
    bytes: Uint8Array,
    offset: number,
  ) {
    if (full.has(this)) throw noSpace;
    full.add(this);
    return Reflect.apply(write as () => unknown, this, [bytes, offset, Math.floor(bytes.length / 2)]);
  } as never);
}

/** The first file of receipts, in the store's folder. */
export const firstReceipts = join('receipts', '1.ndjson');
/** The names of the files of receipts. */
export const receiptFiles = async (folder: string) => (await readdir(join(folder, 'receipts'))).sort();
/** Those of these messages for which the store has a receipt. */
export async function receiptsOf({ receipts: published }: Store, ids: string[]): Promise<string[]> {
  const found = await Promise.all(ids.map((id) => published.get(id)));
  return ids.filter((_, index) => found[index] !== undefined);
}
/** All receipts in the files. */
export async function receiptLines(folder: string): Promise<unknown[]> {
  const names = await receiptFiles(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'receipts', name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n').filter((line) => line !== ''))
    .map((line) => JSON.parse(verifyChecksum(line) ?? 'the checksum does not fit'))
    .filter((line) => 'key' in line);
}

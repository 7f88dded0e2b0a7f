// Log files: every limit holds when it is written past, and a disk that fails costs lines, not memory or time.

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { FileLimits } from '../../../src/app/logging/archives.ts';
import { createLogFile, type LogFile } from '../../../src/app/logging/log-file.ts';
import { errnoOf } from '../../../src/errors.ts';
import { runProcess } from '../../support/binary.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { createMemoryLog, type MemoryLog } from '../../support/log.ts';
import { needs } from '../../support/needs.ts';

const KB = 1024;
const day = 86_400_000;
const roomy: FileLimits = {
  maxFileBytes: 64 * KB,
  maxCount: 1_000,
  accumulatedBytes: 1024 * 1024 * KB,
  maxAgeMs: 4 * day,
};

interface Trial {
  readonly folder: string;
  readonly file: LogFile;
  readonly clock: FakeClock;
  readonly log: MemoryLog;
}

function trial(limits: Partial<FileLimits> = {}, folder = join(temporaryFolder(), 'logs')): Trial {
  // Files have the time of the machine.
  const clock = createFakeClock(Date.now());
  const log = createMemoryLog();
  const file = createLogFile({ folder, name: 'gateway', limits: { ...roomy, ...limits }, clock, log });
  onTestFinished(() => file.close());
  return { folder, file, clock, log };
}

/** A line of 100 bytes that knows its number. */
const lineOf = (number: number): string => `${`{"number":${number},"pad":"`.padEnd(97, 'x')}"}\n`;

const namesIn = (folder: string): string[] => readdirSync(folder).sort();
const archivesIn = (folder: string): string[] => namesIn(folder).filter((name) => name !== 'gateway.log');
const sizeOf = (folder: string): number =>
  namesIn(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

/** Undefined for what is not there: not yet, or not any more. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Every line of the archives and the file, in their order. */
function linesIn(folder: string): string[] {
  const texts = [...archivesIn(folder), 'gateway.log'].map((name) => {
    const bytes = readFileSync(join(folder, name));
    return String(name.endsWith('.gz') ? gunzipSync(bytes) : bytes);
  });
  return texts.join('').split('\n').slice(0, -1);
}

/** Writes lines as fast as the file takes them without losing any; `look` sees the folder in between. */
async function write({ file }: Trial, [from, to]: readonly [number, number], look = () => {}): Promise<void> {
  for (let number = from; number < to; number++) {
    file.write(lineOf(number));
    if (number % 200 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      look();
    }
  }
}

const numbers = (folder: string): number[] => linesIn(folder).map((line) => JSON.parse(line).number);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

test('lines go to the file, which others may not read, in a folder that is made', async () => {
  const { folder, file } = trial();
  file.write(lineOf(0));
  file.write(lineOf(1));
  await file.close();
  expect(readFileSync(join(folder, 'gateway.log'), 'utf8')).toBe(lineOf(0) + lineOf(1));
  expect(statSync(join(folder, 'gateway.log')).mode & 0o777).toBe(0o640);
  expect(statSync(folder).mode & 0o777).toBe(0o750);
});

test('no file is larger than its limit, archives sort by age, and every line is there once', async () => {
  const t = trial();
  await write(t, [0, 10_000]);
  await t.file.close();
  await vi.waitFor(() => expect(archivesIn(t.folder).every((name) => name.endsWith('.log.gz'))).toBe(true));
  const archives = archivesIn(t.folder);
  expect(archives.length).toBeGreaterThan(14);
  for (const name of archives) {
    expect(name).toMatch(/^gateway\.\d{6}\.\d{8}-\d{6}\.log\.gz$/);
    expect(gunzipSync(readFileSync(join(t.folder, name))).length).toBeLessThanOrEqual(64 * KB);
    expect(statSync(join(t.folder, name)).mode & 0o777).toBe(0o640);
  }
  expect(statSync(join(t.folder, 'gateway.log')).size).toBeLessThanOrEqual(64 * KB);
  expect(numbers(t.folder)).toEqual(range(0, 10_000));
  expect(t.file.dropped).toBe(0);
});

test('only so many archives are kept, the newest', async () => {
  const t = trial({ maxCount: 3 });
  await write(t, [0, 10_000]);
  await t.file.close();
  await vi.waitFor(
    () => {
      expect(archivesIn(t.folder)).toHaveLength(3);
      // None that is still being compressed.
      expect(archivesIn(t.folder).every((name) => name.endsWith('.log.gz'))).toBe(true);
    },
    { timeout: 10_000 },
  );
  const kept = numbers(t.folder);
  expect(kept).toEqual(range(10_000 - kept.length, 10_000));
});

test.each([
  ['compressed', 10],
  ['as they are, where there is no room to compress', 2],
])('file and archives together stay within their size: %s', async (_how, files) => {
  const t = trial({ accumulatedBytes: files * 64 * KB });
  let largest = 0;
  // Incompressible, or the archives would never come near the limit.
  const noise = Array.from({ length: 20_000 }, () => `${crypto.randomUUID()}${crypto.randomUUID()}\n`);
  for (const line of noise) t.file.write(line);
  const last = noise.at(-1) ?? '';
  const path = join(t.folder, 'gateway.log');
  do {
    await new Promise((resolve) => setImmediate(resolve));
    largest = Math.max(largest, ifThere(() => sizeOf(t.folder)) ?? 0);
  } while (!ifThere(() => readFileSync(path, 'utf8'))?.endsWith(last));
  await t.file.close();
  expect(largest).toBeGreaterThan((files - 1.5) * 64 * KB);
  expect(largest).toBeLessThanOrEqual(files * 64 * KB);
  expect(t.file.dropped).toBe(0);
});

test('archives that are too old are removed: at the start, and while it runs', async () => {
  const folder = temporaryFolder();
  const old = 'gateway.000006.20200101-000000.log.gz';
  const young = 'gateway.000007.20200102-000000.log.gz';
  const mine = ['gateway.log.bak', 'gateway.000001.log', 'sync.000001.20200101-000000.log.gz', 'notes.txt'];
  for (const name of [old, ...mine]) {
    writeFileSync(join(folder, name), 'x');
    utimesSync(join(folder, name), 1_000_000, 1_000_000);
  }
  writeFileSync(join(folder, young), 'x');
  const t = trial({}, folder);
  await write(t, [0, 1_000]);
  await vi.waitFor(() => expect(namesIn(folder)).not.toContain(old));
  // What is not an archive of this file is not touched, and numbers go on.
  expect(namesIn(folder)).toEqual(expect.arrayContaining([...mine, young]));
  const next = expect.stringMatching(/^gateway\.000008\./);
  await vi.waitFor(() => expect(namesIn(folder)).toContainEqual(next));
  t.clock.advance(4 * day - 60_000);
  expect(namesIn(folder)).toContainEqual(next);
  t.clock.advance(2 * 3_600_000);
  await vi.waitFor(() => expect(namesIn(folder)).not.toContainEqual(next));
});

test('half a line that a killed process has left is ended', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'gateway.log'), `${lineOf(0)}{"number":1,"pa`);
  const { file } = trial({}, folder);
  file.write(lineOf(2));
  await file.close();
  expect(linesIn(folder)).toEqual([lineOf(0).trim(), '{"number":1,"pa', lineOf(2).trim()]);
});

test('reopening goes on with what is there then, for those who move files away themselves', async () => {
  const t = trial();
  await write(t, [0, 1]);
  const path = join(t.folder, 'gateway.log');
  await vi.waitFor(() => expect(statSync(path).size).toBe(100));
  renameSync(path, `${path}.1`);
  t.file.reopen();
  await write(t, [1, 2]);
  await t.file.close();
  expect(readFileSync(`${path}.1`, 'utf8')).toBe(lineOf(0));
  expect(readFileSync(path, 'utf8')).toBe(lineOf(1));
});

test('a disk that cannot be written: it says so once, keeps what finds room, counts the rest, and recovers', async () => {
  const folder = join(temporaryFolder(), 'logs');
  mkdirSync(join(folder, 'gateway.log'), { recursive: true });
  const t = trial({ maxFileBytes: 16 * 1024 * KB }, folder);
  t.file.write(lineOf(0));
  await vi.waitFor(() => expect(t.log.lines).toHaveLength(1));
  expect(t.log.lines[0]).toMatchObject({ level: 'error', message: 'the log file cannot be written' });

  const bytes = 4 * 1024 * KB;
  const kept = Math.floor(bytes / 100);
  for (let number = 1; number < kept + 500; number++) t.file.write(lineOf(number));
  expect(t.file.dropped).toBe(500);
  // At once, and then once a minute.
  const lost = () => t.log.lines.filter(({ message }) => message === 'log lines were lost');
  expect(lost().map(({ fields }) => fields)).toEqual([
    expect.objectContaining({ lost: 1, reason: 'EISDIR' }),
  ]);
  t.clock.advance(60_000);
  expect(lost().map(({ fields }) => fields)).toContainEqual(expect.objectContaining({ lost: 499 }));
  expect(t.log.lines.filter(({ message }) => message.includes('cannot be written'))).toHaveLength(1);
  t.file.write(lineOf(-1));

  rmdirSync(join(folder, 'gateway.log'));
  await vi.waitFor(() => {
    t.clock.advance(5_000);
    expect(t.log.lines.map(({ message }) => message)).toContain('the log file is written again');
  });
  await vi.waitFor(() => expect(lost()).toHaveLength(3));
  expect(lost().at(-1)?.fields).toMatchObject({ lost: 1 });
  await t.file.close();
  expect(numbers(folder)).toEqual(range(0, kept));
});

test('a full disk: no half lines, no repeated lines, and all that waited is there afterwards', async (context) => {
  needs(context, { mounts: true });
  const folder = temporaryFolder();
  const mount = (...args: string[]) => runProcess('mount', args, { cwd: folder });
  expect(await mount('-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder)).toMatchObject({ code: 0 });
  onTestFinished(async () => void (await runProcess('umount', ['--lazy', folder], { cwd: '/' })));
  const t = trial({ maxFileBytes: 16 * 1024 * KB }, folder);
  await write(t, [0, 3_000]);
  await vi.waitFor(() => expect(t.log.lines).toHaveLength(1));
  expect(t.log.lines[0]?.fields).toMatchObject({ error: expect.stringContaining('ENOSPC') });
  const before = numbers(folder);
  expect(before).toEqual(range(0, before.length));
  await mount('-o', 'remount,size=4m', folder);
  t.clock.advance(5_000);
  await t.file.close();
  expect(numbers(folder)).toEqual(range(0, 3_000));
  expect(t.file.dropped).toBe(0);
});

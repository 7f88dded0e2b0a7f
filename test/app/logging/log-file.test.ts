// Log files: every limit is enforced, and a failing disk loses lines but costs neither memory nor time.

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
import { systemErrorCode } from '../../../src/errors.ts';
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
  // File times come from the machine's clock.
  const clock = createFakeClock(Date.now());
  const log = createMemoryLog();
  const file = createLogFile({ folder, name: 'gateway', limits: { ...roomy, ...limits }, clock, log });
  onTestFinished(() => file.close());
  return { folder, file, clock, log };
}

/** A line of 100 bytes that contains its number. */
const lineOf = (number: number): string => `${`{"number":${number},"pad":"`.padEnd(97, 'x')}"}\n`;

const namesIn = (folder: string): string[] => readdirSync(folder).sort();
const archivesIn = (folder: string): string[] => namesIn(folder).filter((name) => name !== 'gateway.log');
const sizeOf = (folder: string): number =>
  namesIn(folder).reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

/** Undefined when it does not exist. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** All lines of the archives and the file, in order. */
function linesIn(folder: string): string[] {
  const texts = [...archivesIn(folder), 'gateway.log'].map((name) => {
    const bytes = readFileSync(join(folder, name));
    return String(name.endsWith('.gz') ? gunzipSync(bytes) : bytes);
  });
  return texts.join('').split('\n').slice(0, -1);
}

/** Writes lines as fast as the file accepts them without losing any, and calls `look` in between. */
async function write({ file }: Trial, [from, to]: readonly [number, number], read = () => {}): Promise<void> {
  for (let number = from; number < to; number++) {
    file.write(lineOf(number));
    if (number % 200 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      read();
    }
  }
}

const numbers = (folder: string): number[] => linesIn(folder).map((line) => JSON.parse(line).number);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);

test('creates the folder and a file that other users cannot read', async () => {
  const { folder, file } = trial();
  file.write(lineOf(0));
  file.write(lineOf(1));
  await file.close();
  expect(readFileSync(join(folder, 'gateway.log'), 'utf8')).toBe(lineOf(0) + lineOf(1));
  expect(statSync(join(folder, 'gateway.log')).mode & 0o777).toBe(0o640);
  expect(statSync(folder).mode & 0o777).toBe(0o750);
});

test('no file exceeds its limit, archives sort by age, and every line is kept once', async () => {
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

test('keeps the newest archives, up to max_count', async () => {
  const t = trial({ maxCount: 3 });
  await write(t, [0, 10_000]);
  await t.file.close();
  await vi.waitFor(
    () => {
      expect(archivesIn(t.folder)).toHaveLength(3);
      // Except one that is still being compressed.
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
  // Incompressible, because compressed archives would stay far below the limit.
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

test('archives that are too old are removed, at the start and while it runs', async () => {
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
  // Other files are not touched, and numbering continues.
  expect(namesIn(folder)).toEqual(expect.arrayContaining([...mine, young]));
  const next = expect.stringMatching(/^gateway\.000008\./);
  await vi.waitFor(() => expect(namesIn(folder)).toContainEqual(next));
  t.clock.advance(4 * day - 60_000);
  expect(namesIn(folder)).toContainEqual(next);
  // An hourly check may come while an earlier one still runs, and is then left out.
  await vi.waitFor(() => {
    t.clock.advance(2 * 3_600_000);
    expect(namesIn(folder)).not.toContainEqual(next);
  });
});

test('a partial line of a killed process is terminated', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'gateway.log'), `${lineOf(0)}{"number":1,"pa`);
  const { file } = trial({}, folder);
  file.write(lineOf(2));
  await file.close();
  expect(linesIn(folder)).toEqual([lineOf(0).trim(), '{"number":1,"pa', lineOf(2).trim()]);
});

test('reopening continues with a new file, after logrotate has moved the old one', async () => {
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

test('an unwritable disk is reported once; lines are buffered up to a limit, the rest counted; it recovers', async () => {
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
  // Immediately, and then once a minute.
  const lost = () => t.log.lines.filter(({ message }) => message === 'log lines were dropped');
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
    expect(t.log.lines.map(({ message }) => message)).toContain('the log file can be written again');
  });
  await vi.waitFor(() => expect(lost()).toHaveLength(3));
  expect(lost().at(-1)?.fields).toMatchObject({ lost: 1 });
  await t.file.close();
  expect(numbers(folder)).toEqual(range(0, kept));
});

test('a full disk leaves no partial and no repeated lines, and buffered ones are written afterwards', async (context) => {
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

// The input of an import leaves no file open, whatever fails.

import fs, { closeSync, openSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openImportSource } from '../../../src/cli/input/import-source.ts';
import { mkfifo } from '../../support/fifo.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { openFiles } from '../../support/open-files.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv('TMPDIR', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

const open = (file: string, stdin: AsyncIterable<unknown> = Readable.from([])) =>
  openImportSource(file, stdin, new AbortController().signal);

/** A named pipe that has a writer until the end of the test. */
function pipeWithWriter(): string {
  const file = mkfifo(temporaryFolder());
  const writer = openSync(file, 'r+');
  onTestFinished(() => closeSync(writer));
  return file;
}

/** The writer's own is one. */
const readersOf = (pipe: string): number => openFiles(pipe).length - 1;

test('a file is closed', async () => {
  const file = join(folder, 'backup.jsonl');
  writeFileSync(file, 'text');
  const source = await open(file);
  expect(openFiles(folder)).toEqual(['/backup.jsonl']);
  await source.close();
  expect(openFiles(folder)).toEqual([]);
});

test('a pipe is closed when the temporary file cannot be created, and the error names the folder', async () => {
  const pipe = pipeWithWriter();
  vi.stubEnv('TMPDIR', join(folder, 'missing'));
  await expect(open(pipe)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining(`cannot create a file in ${join(folder, 'missing')}`),
  });
  expect(readersOf(pipe)).toBe(0);
});

test('a pipe of which nothing was read is closed', async () => {
  const pipe = pipeWithWriter();
  const source = await open(pipe);
  expect(readersOf(pipe)).toBe(1);
  await source.close();
  await expect.poll(() => readersOf(pipe)).toBe(0);
  expect(openFiles(join(folder, 'swob-import-'))).toEqual([]);
});

test('the temporary file is closed when its name cannot be removed', async () => {
  vi.spyOn(fs.promises, 'unlink').mockRejectedValue(new Error('EIO: i/o error, unlink'));
  syncBuiltinESMExports();
  await expect(open('-')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(openFiles(folder)).toEqual([]);
});

import fs from 'node:fs';
import { type FileHandle, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import writeFileAtomic from 'write-file-atomic';
import { createFileOnce, replaceFile } from '../../src/lib/durable-files.ts';
import { fileHandlePrototype } from '../support/file-handle.ts';
import { temporaryFolder } from '../support/folders.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const newFile = (): string => join(temporaryFolder(), 'file');

test('a file is replaced with its mode, whatever the umask, and no temporary file is left', async () => {
  const file = newFile();
  const umask = process.umask(0o077);
  try {
    await replaceFile(file, 'old', { mode: 0o644 });
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    await replaceFile(
      file,
      (async function* () {
        yield 'n';
        yield Buffer.from('ew');
      })(),
    );
  } finally {
    process.umask(umask);
  }
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(dirname(file))).toEqual(['file']);
});

test('does not create an existing file again; exactly one of many concurrent attempts creates it', async () => {
  const file = newFile();
  const created = await Promise.all(Array.from({ length: 20 }, (_, n) => createFileOnce(file, `${n}`)));
  expect(created.filter(Boolean)).toHaveLength(1);
  expect(await readFile(file, 'utf8')).toBe(`${created.indexOf(true)}`);
  expect(await readdir(dirname(file))).toEqual(['file']);
});

test('a failure, also of the content, leaves the earlier file and no other', async () => {
  const file = newFile();
  await writeFile(file, 'old');
  async function* failing() {
    yield 'half';
    throw new Error('the source failed');
  }
  await expect(replaceFile(file, failing())).rejects.toThrow('the source failed');
  await expect(createFileOnce(join(dirname(file), 'other'), failing())).rejects.toThrow('the source failed');
  const folder = join(dirname(file), 'folder');
  await mkdir(folder);
  await expect(replaceFile(folder, 'x')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(await readFile(file, 'utf8')).toBe('old');
  expect((await readdir(dirname(file))).sort()).toEqual(['file', 'folder']);
});

test('file and folder are synced', async () => {
  const sync = vi.spyOn(await fileHandlePrototype(), 'sync');
  await replaceFile(newFile(), 'x');
  expect(sync).toHaveBeenCalledTimes(2);
  await createFileOnce(newFile(), 'x');
  expect(sync).toHaveBeenCalledTimes(4);
});

test('completes a write that the disk takes in parts, and fails when it never does', async () => {
  const prototype = await fileHandlePrototype();
  const write: unknown = prototype.write;
  const short = vi.spyOn(prototype, 'write').mockImplementation(function (
    this: FileHandle,
    ...args: unknown[]
  ) {
    return Reflect.apply(write as () => unknown, this, [args[0], args[1], 1]);
  } as never);
  const file = newFile();
  await replaceFile(file, 'whole');
  expect(await readFile(file, 'utf8')).toBe('whole');
  expect(short).toHaveBeenCalledTimes(5);
  short.mockImplementation((async () => ({ bytesWritten: 0, buffer: Buffer.alloc(0) })) as never);
  await expect(replaceFile(file, 'other')).rejects.toThrow('accepts no more bytes');
  expect(await readFile(file, 'utf8')).toBe('whole');
});

// Once this fails, the library may replace ours.
test('write-file-atomic still takes a short write for a whole one, and does not sync the folder', async () => {
  const file = newFile();
  const { write, fsync } = fs;
  const short = ((fd: number, data: string, _at: number, _encoding: string, done: () => void) =>
    write(fd, data.slice(0, 2), 0, 'utf8', done)) as unknown as typeof write;
  vi.spyOn(fs, 'write').mockImplementation(short);
  const sync = vi.spyOn(fs, 'fsync').mockImplementation(fsync);
  await writeFileAtomic(file, 'whole', { mode: 0o600 });
  expect(await readFile(file, 'utf8')).toBe('wh');
  expect(sync).toHaveBeenCalledTimes(1);
});

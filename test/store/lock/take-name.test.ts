// File systems without hard links, such as FAT.

import files, { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { takeName } from '../../../src/store/lock/take-name.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { fileHandlePrototype } from '../../support/file-handle.ts';
import { temporaryFolder } from '../../support/folders.ts';
import { acquireLock, lock, locksIn } from './support.ts';

const errno = { code: 'EPERM' };

beforeEach(() => {
  vi.spyOn(files, 'link').mockImplementation(() =>
    Promise.reject(Object.assign(new Error(`${errno.code}: link`), errno)),
  );
  syncBuiltinESMExports();
});

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  errno.code = 'EPERM';
});

async function draftIn(folder: string): Promise<string> {
  const draft = join(folder, 'draft');
  await writeFile(draft, 'who I am');
  return draft;
}

test.each(['EPERM', 'ENOTSUP', 'ENOSYS'])(
  '%s: one of many gets the name, and its file is complete',
  async (code) => {
    errno.code = code;
    const folder = temporaryFolder();
    const draft = await draftIn(folder);
    const file = join(folder, 'lock.1');
    const results = await Promise.all(Array.from({ length: 20 }, () => takeName(draft, file)));
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await readFile(file, 'utf8')).toBe('who I am');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  },
);

test('any other error is thrown, and a full disk leaves no file', async () => {
  const folder = temporaryFolder();
  const draft = await draftIn(folder);
  const file = join(folder, 'lock.1');
  vi.spyOn(await fileHandlePrototype(), 'write').mockRejectedValue(new Error('ENOSPC'));
  await expect(takeName(draft, file)).rejects.toThrow('ENOSPC');
  errno.code = 'EACCES';
  await expect(takeName(draft, file)).rejects.toThrow('EACCES');
  expect(await readdir(folder)).toEqual(['draft']);
});

test('a folder can be locked, refuses a second process, and is free after a release', async () => {
  const folder = temporaryFolder();
  const first = await acquireLock(folder, createFakeClock());
  await expect(acquireLock(folder, createFakeClock())).rejects.toThrow(`in use by pid ${process.pid} `);
  await first.release();
  const second = await lock(folder);
  expect([second.afterRelease, second.generation, await locksIn(folder)]).toEqual([true, 2, ['lock.2']]);
});

test('a lock that its process is just writing is read again', async () => {
  const folder = temporaryFolder();
  const socket = '.lock-00.socket';
  const server = createServer((connection) => connection.destroy());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(join(folder, socket), resolve));
  const file = join(folder, 'lock.1');
  await writeFile(file, '');
  const clock = createFakeClock();
  const refused = expect(acquireLock(folder, clock)).rejects.toThrow('in use by pid 7 ');
  await vi.waitFor(() => expect(clock.pendingTimeouts).toBe(1));
  await writeFile(file, JSON.stringify({ pid: 7, host: hostname(), bootId: '', since: '', socket }));
  clock.advance(1_000);
  await refused;
});

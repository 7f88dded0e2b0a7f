// The lock of scripts/setup.mjs, held by real processes, as by two `npm start` in a fresh clone.

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';

/** Runs `work` in a process that holds the lock of `folder`; settles when it has ended. */
function locked(folder: string, work: string) {
  const program = `
    import { appendFileSync } from 'node:fs';
    import { withLock } from ${JSON.stringify(resolve('scripts/lock.mjs'))};
    await withLock(${JSON.stringify(folder)}, async () => { ${work} });`;
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 120_000 });
}

const noteInAndOut = (file: string) => `
  appendFileSync(${JSON.stringify(file)}, 'in ' + process.pid + '\\n');
  for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate);
  appendFileSync(${JSON.stringify(file)}, 'out ' + process.pid + '\\n');`;

test('concurrent processes run one after another, and leave no lock file', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'log');
  await Promise.all(Array.from({ length: 5 }, () => locked(folder, noteInAndOut(file))));

  const lines = readFileSync(file, 'utf8').trim().split('\n');
  expect(lines).toHaveLength(10);
  const pairs = Array.from({ length: 5 }, (_, index) => lines.slice(2 * index, 2 * index + 2));
  for (const [first, second] of pairs) expect(second).toBe(first?.replace('in', 'out'));
  expect(existsSync(join(folder, '.setup.lock'))).toBe(false);
});

test('one of the waiting processes takes over the lock of a dead process', async () => {
  const folder = temporaryFolder();
  const dead = spawnSync(process.execPath, ['-e', '0']).pid;
  writeFileSync(join(folder, '.setup.lock'), String(dead));
  const file = join(folder, 'log');
  await Promise.all([locked(folder, noteInAndOut(file)), locked(folder, noteInAndOut(file))]);
  expect(readFileSync(file, 'utf8')).toMatch(/^in (\d+)\nout \1\nin (\d+)\nout \2\n$/);
});

test('failed work releases the lock', async () => {
  const folder = temporaryFolder();
  await expect(locked(folder, "throw new Error('no space left')")).rejects.toThrow('no space left');
  expect(existsSync(join(folder, '.setup.lock'))).toBe(false);
});

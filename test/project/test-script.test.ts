// `npm test` itself: however it ends, it reports why, and leaves no process and no file.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { linesOf, type Run, startRun } from '../support/test-script.ts';

interface TemporaryFolder {
  createTemporaryFolder(options: { env: NodeJS.ProcessEnv; memory: string }): string;
}

/** A test file with a test that starts a detached process, which outlives its parent, and then runs the code `then`. */
const startsProcess = (then: string): { one: string } => ({
  one: `
  import { spawn } from 'node:child_process';
  import { renameSync, writeFileSync } from 'node:fs';
  test('starts', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    child.unref();
    const file = import.meta.dirname + '/pid';
    writeFileSync(file + '.new', String(child.pid));
    renameSync(file + '.new', file);
    ${then}
  });`,
});

const startsAndWaits = startsProcess('await new Promise(() => {});').one.replace(
  'async () =>',
  '{ timeout: 1e6 }, async () =>',
);

async function startedPid({ root }: Run): Promise<number> {
  const pid = await vi.waitFor(() => Number(readFileSync(join(root, 'pid'), 'utf8')));
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return pid;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const lastLine = (run: Run): string | undefined => linesOf(run).at(-1);
const gone = (pid: number) => vi.waitFor(() => expect(isAlive(pid)).toBe(false));

test('processes that a test leaves running are reported and ended', async () => {
  const run = startRun(startsProcess(''));
  const pid = await startedPid(run);
  expect(await run.running.exit).toEqual({ code: 0, signal: null });
  expect(lastLine(run)).toBe('1 passed, 0 failed');
  expect(run.running.stdout()).toMatch(/^was left running by a test: .*setInterval/m);
  await gone(pid);
  expect(readdirSync(run.folder)).toEqual([]);
});

test('a test that blocks its process is reported, and the whole run is ended', async () => {
  const run = startRun(startsProcess('for (;;);'), ['--testTimeout=5000']);
  const pid = await startedPid(run);
  expect(await run.running.exit).toEqual({ code: 1, signal: null });
  expect(run.running.stdout()).toMatch(
    /no test has begun or ended for [\d.]+ minutes.*It was at:\n {2}one\.test\.ts/s,
  );
  expect(run.running.stdout()).not.toContain('once more');
  expect(lastLine(run)).toBe('0 passed, 1 failed');
  await gone(pid);
  expect(readdirSync(run.folder)).toEqual([]);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the whole run', async (signal) => {
  const run = startRun({ one: startsAndWaits });
  const pid = await startedPid(run);
  run.running.kill(signal);
  expect(await run.running.exit).toEqual({ code: null, signal });
  expect(run.running.stdout()).toContain(`stopped by ${signal}`);
  expect(lastLine(run)).toBe('0 passed, 1 failed');
  await gone(pid);
  expect(readdirSync(run.folder)).toEqual([]);
});

test('the run ends and its folder is removed when the script is killed', async () => {
  const run = startRun({ one: startsAndWaits });
  const pid = await startedPid(run);
  run.running.kill('SIGKILL');
  await gone(pid);
  await vi.waitFor(() => expect(readdirSync(run.folder)).toEqual([]));
});

test('temporary files are in memory where that is large enough, and otherwise in the usual folder', async () => {
  const { createTemporaryFolder }: TemporaryFolder = await import(resolve('scripts/temporary-folder.mjs'));
  const folderFor = (env: NodeJS.ProcessEnv, memory: string): string => {
    const folder = createTemporaryFolder({ env, memory });
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return dirname(folder);
  };
  expect(folderFor({}, '/nowhere')).toBe(tmpdir());
  expect(folderFor({}, '/proc')).toBe(tmpdir());
  expect(folderFor({ TMPDIR: '/given' }, '/dev/shm')).toBe(tmpdir());
  expect([tmpdir(), '/dev/shm']).toContain(folderFor({}, '/dev/shm'));
});

// `npm test` itself: however it ends, it reports why, and leaves no process and no file.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type RunningProcess, startProcess } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';

interface Run {
  readonly running: RunningProcess;
  /** The folder of the test file. */
  readonly root: string;
  /** The folder of the run's temporary files. */
  readonly folder: string;
}

interface TemporaryFolder {
  createTemporaryFolder(options: { env: NodeJS.ProcessEnv; memory: string }): string;
}

/** Runs the script on one test file with the given text. */
function startRun(text: string): Run {
  const folder = temporaryFolder();
  const root = temporaryFolder();
  writeFileSync(join(root, 'one.test.ts'), text);
  const config = 'export default { test: { globals: true, testTimeout: 5_000 } };';
  writeFileSync(join(root, 'vitest.config.mjs'), config);
  const args = ['--tests-only', '--root', root, '--config', join(root, 'vitest.config.mjs')];
  const running = startProcess(process.execPath, [resolve('scripts/test.mjs'), ...args], {
    cwd: root,
    env: { TMPDIR: folder },
  });
  return { running, root, folder };
}

/** The text of a test that starts a detached process, which outlives its parent, and then runs the code `then`. */
const startsProcess = (then: string): string => `
  import { spawn } from 'node:child_process';
  import { renameSync, writeFileSync } from 'node:fs';
  test('starts', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    child.unref();
    const file = import.meta.dirname + '/pid';
    writeFileSync(file + '.new', String(child.pid));
    renameSync(file + '.new', file);
    ${then}
  });`;

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

const lastLine = ({ running }: Run): string | undefined => running.stdout().trimEnd().split('\n').at(-1);
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
  const run = startRun(startsProcess('for (;;);'));
  const pid = await startedPid(run);
  expect(await run.running.exit).toEqual({ code: 1, signal: null });
  expect(run.running.stdout()).toMatch(
    /no test has begun or ended for [\d.]+ minutes.*It was at:\n {2}one\.test\.ts/s,
  );
  expect(lastLine(run)).toBe('0 passed, 1 failed');
  await gone(pid);
  expect(readdirSync(run.folder)).toEqual([]);
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the whole run', async (signal) => {
  const run = startRun(
    startsProcess('await new Promise(() => {});').replace('async () =>', '{ timeout: 1e6 }, async () =>'),
  );
  const pid = await startedPid(run);
  run.running.kill(signal);
  expect(await run.running.exit).toEqual({ code: null, signal });
  expect(run.running.stdout()).toContain(`stopped by ${signal}`);
  expect(lastLine(run)).toBe('0 passed, 1 failed');
  await gone(pid);
  expect(readdirSync(run.folder)).toEqual([]);
});

test('the run ends and its folder is removed when the script is killed', async () => {
  const run = startRun(
    startsProcess('await new Promise(() => {});').replace('async () =>', '{ timeout: 1e6 }, async () =>'),
  );
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

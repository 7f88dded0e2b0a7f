// Acquires the lock of a folder, in this process and in others. For the tests of the lock.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import { acquireLock as acquire, type Lock } from '../../../src/store/lock/lock.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { onWorkerEnd } from '../../support/worker-end.ts';

export const acquireLock = (folder: string, clock: FakeClock, log = createMemoryLog()) =>
  acquire(folder, clock, log);

export const locksIn = async (folder: string) =>
  (await readdir(folder)).filter((name) => name.startsWith('lock.')).sort();

/** The path of the bundled lock.ts, made once for each worker: a child that compiles it takes ten times as long to start. */
let module: Promise<string> | undefined;

async function bundleLock(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'swob-lock-'));
  onWorkerEnd(() => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'lock.mjs');
  const entryPoints = [resolve('src/store/lock/lock.ts')];
  await build({ entryPoints, bundle: true, platform: 'node', format: 'esm', outfile });
  return outfile;
}

/** Another process that tries to acquire the lock and reports the result; `under` is a command that runs it. */
export async function lockInChild(
  folder: string,
  under: readonly string[] = [],
): Promise<{ child: ChildProcess; output: string }> {
  module ??= bundleLock();
  const script = `
    import { acquireLock } from ${JSON.stringify(pathToFileURL(await module).href)};
    const clock = {
      now: Date.now,
      monotonic: () => performance.now(),
      after: (ms, fn) => { setTimeout(fn, ms); return () => {}; },
      every: () => () => {},
    };
    const log = { warn: (_fields, message) => console.log(message) };
    try { await acquireLock(${JSON.stringify(folder)}, clock, log); console.log('acquired'); }
    catch (error) { console.log(error.code + ' ' + error.message); }
    process.stdin.resume();`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const [command = '', ...args] = [...under, ...node];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [output] = await once(child.stdout, 'data');
  return { child, output: String(output).trim() };
}

export async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Acquires the lock and releases it at the end of the test. */
export async function lock(folder: string, clock = createFakeClock(Date.now())): Promise<Lock> {
  const acquired = await acquireLock(folder, clock);
  onTestFinished(() => acquired.release());
  return acquired;
}

/** The leftovers of a killed process: its lock, and a socket without a listener. `change` modifies the lock. */
export async function deadLock(folder: string, change: object = {}): Promise<string> {
  await killed((await lockInChild(folder)).child);
  const file = join(folder, (await locksIn(folder)).at(-1) ?? '');
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), ...change }));
  return file;
}

/**
 * Advances the clock second by second until the attempt has settled. Only while the attempt waits for a timeout: it also
 * waits for the disk, and an acquired lock has a heartbeat.
 */
export async function settled<T>(
  attempt: Promise<T>,
  clock: FakeClock,
): Promise<{ result: PromiseSettledResult<T>; ms: number }> {
  const start = clock.monotonic();
  let done = false;
  void attempt
    .catch(() => {})
    .finally(() => {
      done = true;
    });
  const others = clock.pendingTimeouts;
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.pendingTimeouts > others) clock.advance(1_000);
  }
  const [result] = await Promise.allSettled([attempt]);
  return { result, ms: clock.monotonic() - start };
}

// The real binary, and the programs around it, as child processes: waited for by what they say, never by
// time, and killed by their pid when the test ends.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Endpoints } from '../../src/app/compose/start.ts';

export const swobScript = resolve('bin/swob');

/** A child that does not say in this time what it should is killed, and the test fails with its output. */
const limitMs = 25_000;

export interface ProcessOptions {
  readonly cwd: string;
  /** Added to the few variables that a child gets. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** Everything that came so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when the text stands there; rejects when the process ends without. */
  said(stream: 'stdout' | 'stderr', text: string): Promise<void>;
  readonly exit: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

export interface Result extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a program; it ends with the test at the latest. */
export function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions,
): RunningProcess {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...basicEnvironment(), ...options.env } });
  const running = observe(child, [command, ...args].join(' '));
  onTestFinished(async () => {
    running.kill('SIGKILL');
    await running.exit;
  });
  return running;
}

/** Runs a program to its end. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions & { readonly input?: string },
): Promise<Result> {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...basicEnvironment(), ...options.env } });
  const running = observe(child, [command, ...args].join(' '));
  // A program that does not read its input closes it, which is no fault of the test.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => running.kill('SIGKILL'), limitMs);
  const exit = await running.exit;
  clearTimeout(timer);
  return { ...exit, stdout: running.stdout(), stderr: running.stderr() };
}

export interface RunningSwob<Ready> extends RunningProcess {
  /** What the ready file says. */
  readonly ready: Ready;
}

/** Starts a daemon of swob (`serve`, `stub users`) and waits until it is ready; rejects when it ends instead. */
export async function startSwob<Ready = Required<Endpoints>>(
  args: readonly string[],
  options: ProcessOptions,
): Promise<RunningSwob<Ready>> {
  const folder = mkdtempSync(join(tmpdir(), 'swob-ready-'));
  const readyFile = join(folder, 'ready.json');
  try {
    const running = startProcess(process.execPath, [swobScript, ...args, '--ready-file', readyFile], options);
    // The file is written before the first line.
    await running.said('stdout', ' ready at ');
    const text = readFileSync(readyFile, 'utf8');
    for (const [, url] of text.matchAll(/"url":"([^"]+)"/g)) {
      await running.said('stdout', ` ready at ${url}\n`);
    }
    const ready: Ready = JSON.parse(text);
    return { ...running, ready };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command of swob to its end. */
export function runSwob(
  args: readonly string[],
  options: ProcessOptions & { readonly input?: string },
): Promise<Result> {
  return runProcess(process.execPath, [swobScript, ...args], options);
}

/** Nothing of the developer's own settings: no SWOB_*, NODE_*, proxy or vitest variables. */
function basicEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  return Object.fromEntries(names.flatMap((name) => [[name, process.env[name] ?? '']]).filter(([, v]) => v));
}

function observe(child: ChildProcessWithoutNullStreams, name: string): RunningProcess {
  const output = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  let ended: Exit | undefined;
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
      wake();
    });
  }
  const exit = new Promise<Exit>((settle) => {
    child.on('error', (error) => {
      output.stderr += error.message;
      ended = { code: null, signal: null };
      settle(ended);
      wake();
    });
    // Not `exit`: only now the streams are at their end.
    child.on('close', (code, signal) => {
      ended = { code, signal };
      settle(ended);
      wake();
    });
  });

  const said: RunningProcess['said'] = (stream, text) =>
    new Promise((settle, reject) => {
      const done = (problem?: string): void => {
        clearTimeout(timer);
        waiting.delete(look);
        if (problem === undefined) return settle();
        reject(new Error(`${name}: ${problem}\nstdout: ${output.stdout}\nstderr: ${output.stderr}`));
      };
      const look = (): void => {
        if (output[stream].includes(text)) done();
        else if (ended) done(`ended with ${ended.code ?? ended.signal} before "${text}" came on ${stream}`);
      };
      const timer = setTimeout(() => done(`"${text}" has not come on ${stream} in ${limitMs} ms`), limitMs);
      waiting.add(look);
      look();
    });

  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    said,
    exit,
    kill: (signal) => void child.kill(signal),
  };
}

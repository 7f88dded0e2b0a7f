// The real binary and other programs as child processes. Tests wait for their output, never for a time; they are killed
// by pid when the test ends.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Endpoints } from '../../src/app/compose/start.ts';
import { patient } from './patience.ts';
import { onEnd } from './teardown.ts';

export const swobScript = resolve('bin/swob');

/** A child without the expected output in this time is killed, and the test fails with its output. */
const limitMs = patient(120_000);

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
  /** All output so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when the output contains the text; rejects when the process ends before. */
  waitForOutput(stream: 'stdout' | 'stderr', text: string): Promise<void>;
  readonly exit: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  /** Writes to its standard input. */
  type(text: string): void;
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
  onEnd(async () => {
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
  // A program that does not read its input may close it.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const timer = setTimeout(() => running.kill('SIGKILL'), limitMs);
  const exit = await running.exit;
  clearTimeout(timer);
  return { ...exit, stdout: running.stdout(), stderr: running.stderr() };
}

export interface RunningSwob<Ready> extends RunningProcess {
  /** Content of the ready file. */
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
    await running.waitForOutput('stdout', ' ready at ');
    const text = readFileSync(readyFile, 'utf8');
    for (const [, url] of text.matchAll(/"url":"([^"]+)"/g)) {
      await running.waitForOutput('stdout', ` ready at ${url}\n`);
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

/**
 * The environment without settings of the developer: no SWOB_*, NODE_*, proxy or vitest variables. A busy machine, which
 * delays every process, must not make a daemon reject requests as overloaded.
 */
function basicEnvironment(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  const own = names.flatMap((name) => [[name, process.env[name] ?? '']]).filter(([, value]) => value);
  return { ...Object.fromEntries(own), SWOB_OVERLOAD_MAX_EVENT_LOOP_DELAY: '0s' };
}

function observe(child: ChildProcessWithoutNullStreams, name: string): RunningProcess {
  const output = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
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
    // Not `exit`, at which the streams may not have ended.
    child.on('close', (code, signal) => {
      ended = { code, signal };
      settle(ended);
      wake();
    });
  });

  const waitForOutput: RunningProcess['waitForOutput'] = (stream, text) =>
    new Promise((settle, reject) => {
      const done = (problem?: string): void => {
        clearTimeout(timer);
        waiting.delete(check);
        if (problem === undefined) return settle();
        reject(new Error(`${name}: ${problem}\nstdout: ${output.stdout}\nstderr: ${output.stderr}`));
      };
      const check = (): void => {
        if (output[stream].includes(text)) done();
        else if (ended) done(`ended with ${ended.code ?? ended.signal} before "${text}" came on ${stream}`);
      };
      const timer = setTimeout(() => done(`"${text}" has not come on ${stream} in ${limitMs} ms`), limitMs);
      waiting.add(check);
      check();
    });

  return {
    pid: child.pid ?? 0,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    waitForOutput,
    exit,
    kill: (signal) => void child.kill(signal),
    type: (text) => void child.stdin.write(text),
  };
}

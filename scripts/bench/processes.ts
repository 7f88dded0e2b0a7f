// Child processes that report on stdout, one JSON value a line, and are stopped by pid. Used by environment.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** For a child to print the expected line. */
const replyTimeoutMs = 180_000;
/** For a child to exit after SIGTERM. */
const stopMs = 15_000;
/** Lines of a child that nobody reads, such as those of a stub. */
const maxUnread = 1_000;

export interface Child {
  readonly pid: number;
  /** The next line of its stdout. Rejects when it exits, or prints nothing for three minutes plus `workMs`. */
  nextLine(workMs?: number): Promise<string>;
  /** Writes a line to its stdin. */
  tell(line: string): void;
  /** Sends SIGTERM, then SIGKILL after a timeout; idempotent. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** In messages. */
  readonly name: string;
  readonly cwd: string;
  /** Receives its stderr, as a journal would. */
  readonly stderrFile: string;
  readonly env?: Readonly<Record<string, string>>;
}

export function startChild(command: string, args: readonly string[], options: ChildOptions): Child {
  const { name, cwd, stderrFile, env = {} } = options;
  const stderr = openSync(stderrFile, 'a');
  const child = spawn(command, args, {
    cwd,
    env: { ...plainEnvironment(), ...env },
    stdio: ['pipe', 'pipe', stderr],
    // In its own process group: Ctrl-C is for the benchmark, which stops its processes itself.
    detached: true,
  });
  closeSync(stderr);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
  const lines = readLines(child);
  // The reader of its lines notices a child that has exited.
  child.stdin?.on('error', () => {});

  const nextLine = async (workMs = 0): Promise<string> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('says nothing'), replyTimeoutMs + workMs);
    });
    const problem = Promise.race([ended, late]).then((why) => {
      throw new Error(`${name} ${why}: ${lastLine(stderrFile)}`);
    });
    try {
      return await Promise.race([lines.next(), problem]);
    } finally {
      clearTimeout(timer);
    }
  };

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await ended;
    clearTimeout(timer);
  };
  return {
    pid: child.pid ?? 0,
    nextLine,
    tell: (line) => void child.stdin?.write(`${line}\n`),
    stop: () => (stopped ??= stop()),
  };
}

/** Of its stderr, whose file is removed when the run ends. */
function lastLine(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '';
}

/** Lines in order, for one reader; the newest that are unread are buffered. */
function readLines(child: ChildProcess): { next(): Promise<string> } {
  const unread: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const waiter = waiting.shift();
      if (waiter) waiter(line);
      else if (unread.push(line) > maxUnread) unread.shift();
    });
  }
  return {
    next: () => {
      const line = unread.shift();
      return line === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line);
    },
  };
}

/** The environment without the developer's settings: no SWOB_* and no NODE_OPTIONS. */
export function plainEnvironment(): Record<string, string> {
  return Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

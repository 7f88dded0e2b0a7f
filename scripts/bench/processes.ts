// Child processes that say on stdout, line by line in JSON, how they are; ended by their pid. Used by lab.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Time for a child to say what it should, in milliseconds. */
const answerMs = 180_000;
/** Time for a child to end once it was asked to. */
const stopMs = 15_000;

export interface Child {
  readonly pid: number;
  /** The next line that it writes. Rejects when it ends, or says nothing for three minutes and `workMs` besides. */
  nextLine(workMs?: number): Promise<string>;
  /** Writes a line to its stdin. */
  tell(line: string): void;
  /** SIGTERM, and SIGKILL when that does not help; idempotent. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** In messages. */
  readonly name: string;
  readonly cwd: string;
  /** Takes its stderr, as a journal would. */
  readonly stderrFile: string;
}

export function startChild(command: string, args: readonly string[], options: ChildOptions): Child {
  const { name, cwd, stderrFile } = options;
  const stderr = openSync(stderrFile, 'a');
  const child = spawn(command, args, { cwd, env: plainEnvironment(), stdio: ['pipe', 'pipe', stderr] });
  closeSync(stderr);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`ended with ${code ?? signal}`));
  });
  const lines = readLines(child);
  // A child that has ended is noticed by its lines.
  child.stdin?.on('error', () => {});

  const nextLine = async (workMs = 0): Promise<string> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve('says nothing'), answerMs + workMs);
    });
    const problem = Promise.race([ended, late]).then((why) => {
      throw new Error(`${name} ${why}; its stderr is in ${stderrFile}`);
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

/** Lines in their order, for one reader; what nobody asks for is kept, and children write few. */
function readLines(child: ChildProcess): { next(): Promise<string> } {
  const unread: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const waiter = waiting.shift();
      if (waiter) waiter(line);
      else unread.push(line);
    });
  }
  return {
    next: () => {
      const line = unread.shift();
      return line === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line);
    },
  };
}

/** Nothing of the developer's own settings: no SWOB_* and no NODE_OPTIONS. */
function plainEnvironment(): Record<string, string> {
  return Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

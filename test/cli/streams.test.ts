// Commands of each kind as processes, with streams that no test process can stand in for: standard input closed, no terminal
// and NO_COLOR; standard output a pipe without a reader; standard output on a full disk. command-streams.test.ts has every command.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, test } from 'vitest';
import { mapConcurrent } from '../../src/lib/concurrency.ts';
import { swobScript } from '../support/binary.ts';
import { mkfifo } from '../support/fifo.ts';
import { patient } from '../support/patience.ts';

/** Processes at once. */
const concurrency = 6;

/** A process that runs longer is killed, and the test fails. */
const limitMs = patient(30_000);

const folder = mkdtempSync(join(tmpdir(), 'swob-streams-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly line: string;
  /** Runs until a signal, after it has printed `ready`. */
  readonly daemon?: true;
  /** A daemon that serves others: it keeps running when its output is lost. */
  readonly service?: true;
}

const ports = '--set api.port=0 --set websocket.port=0 --set store.url=memory:';

/** A service, a daemon, text, help. */
const lines: Readonly<Record<string, Line>> = {
  serve: { line: `serve gateway sync ${ports}`, service: true },
  'stub pcrf': { line: 'stub pcrf --port 0', daemon: true },
  'config show': { line: 'config show' },
  help: { line: 'seeds list --help' },
};

interface Ended {
  readonly exit: number | string | null;
  readonly out: string;
  readonly err: string;
}

/** @param stdout a descriptor, or a pipe that is read */
async function run({ line, daemon, service }: Line, stdout: number | 'pipe'): Promise<Ended> {
  const readyFile = join(folder, `ready-${randomUUID()}`);
  const words = [...line.split(' '), ...(service ? ['--ready-file', readyFile] : [])];
  const env = { PATH: process.env.PATH ?? '', HOME: folder, NO_COLOR: '1' };
  // A program cannot be started without standard input by other means.
  const child = spawn('sh', ['-c', 'exec "$@" <&-', 'sh', process.execPath, swobScript, ...words], {
    cwd: folder,
    env,
    stdio: ['ignore', stdout, 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const { stdout: output, stderr } = child;
  if (!stderr) throw new Error('no standard error');
  if (daemon) output?.on('data', (chunk) => /ready/.test(String(chunk)) && child.kill('SIGINT'));
  const ended = Promise.all([once(child, 'close'), text(stderr), output ? text(output) : '']);
  if (service) {
    await expect
      .poll(() => existsSync(readyFile) || child.exitCode !== null, { timeout: limitMs })
      .toBe(true);
    child.kill('SIGINT');
  }
  const [[code, signal], err, out] = await ended;
  clearTimeout(timer);
  // `serve` ends by the signal itself, the playground with its number.
  return { exit: signal === 'SIGINT' ? 130 : (code ?? signal), out, err };
}

/** A service ends by the signal, and nothing else. */
function expectedExit({ service }: Line, otherwise: number): number {
  if (service) return 130;
  return otherwise;
}

/** What is wrong with each command, by its path. */
async function faultsOf(stdout: number | 'pipe', check: (ended: Ended, line: Line) => string[]) {
  const found: Record<string, unknown> = {};
  const all = mapConcurrent(
    (async function* () {
      yield* Object.entries(lines);
    })(),
    concurrency,
    async ([path, line]) => {
      const ended = await run(line, stdout);
      const stack = /\n\s+at .*:\d+|node:internal/.test(ended.err) ? ['a stack on stderr'] : [];
      const faults = [...check(ended, line), ...stack];
      if (faults.length > 0) found[path] = { faults, ...ended };
    },
  );
  for await (const _ of all);
  return found;
}

test('without standard input, terminal and colours, commands do their work and print no escape sequence', {
  timeout: limitMs * 4,
}, async () => {
  const found = await faultsOf('pipe', ({ exit, out, err }, line) => [
    ...(exit === expectedExit(line, line.daemon ? 130 : 0) ? [] : [`exit ${exit}`]),
    ...(`${out}${err}`.includes('\u001b') ? ['an escape sequence'] : []),
    ...(out === '' ? ['no output'] : []),
  ]);
  expect(found).toEqual({});
});

test('commands end quietly when the reader of their output is gone', {
  timeout: limitMs * 4,
}, async () => {
  const closed = closedPipe();
  try {
    const found = await faultsOf(closed, ({ exit, err }, line) => [
      ...(exit === expectedExit(line, 0) ? [] : [`exit ${exit}`]),
      ...(/EPIPE|internal error/.test(err) ? ['an error'] : []),
    ]);
    expect(found).toEqual({});
  } finally {
    closeSync(closed);
  }
});

test.runIf(existsSync('/dev/full'))(
  'commands say that their output cannot be written',
  {
    timeout: limitMs * 4,
  },
  async () => {
    const full = openSync('/dev/full', 'w');
    try {
      const found = await faultsOf(full, ({ exit, err }, line) => [
        ...(exit === expectedExit(line, 75) ? [] : [`exit ${exit}`]),
        ...(line.service || /cannot write the output: .*ENOSPC/.test(err) ? [] : ['no reason']),
      ]);
      expect(found).toEqual({});
    } finally {
      closeSync(full);
    }
  },
);

/** The writing end of a pipe without a reader. */
function closedPipe(): number {
  const file = mkfifo(folder);
  const reader = openSync(file, 'r+');
  const writer = openSync(file, 'w');
  closeSync(reader);
  return writer;
}

// Every command with the streams that scripts and services give it: no terminal, empty standard input and NO_COLOR; standard
// output whose reader is gone; standard output on a full disk. streams.test.ts has real ones.

import { EventEmitter } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { commands } from '../../src/cli/command-table.ts';
import { createPlayground } from '../../src/cli/playground/create.ts';
import { playgroundEnvironment } from '../../src/cli/playground/environment.ts';
import type { RunningPlayground } from '../../src/cli/playground/playground.ts';
import { run } from '../../src/cli/run.ts';
import { mapConcurrent } from '../../src/lib/concurrency.ts';
import { fileOf } from '../support/archives.ts';
import { patient } from '../support/patience.ts';
import { sampleRecords } from '../support/sample-records.ts';
import { RecordedStream, sharedFolder } from './harness.ts';
import { type Invocation, invocations } from './invocations.ts';

/** Commands at once. */
const concurrency = 6;

const folder = sharedFolder();
let environment: Record<string, string>;
beforeAll(async () => {
  const abort = new AbortController();
  const { playground, lifecycle } = await createPlayground({
    seedData: true,
    clock: systemClock,
    signal: abort.signal,
    // A message that waits is not retried meanwhile.
    setOptions: ['seeds.expiry=1d', 'publisher.retry_pause=1h', 'publisher.max_pause=1h'],
    log: { level: 'silent', stderr: process.stderr, pretty: false, colours: false },
  });
  environment = { ...(await playgroundEnvironment(playground, Date.now())), FOLDER: folder };
  mkdirSync(join(folder, 'old'));
  writeFileSync(join(folder, 'old', 'application.conf'), 'pcrf.host = a\n');
  writeFileSync(join(folder, 'sample.jsonl'), await fileOf(sampleRecords(Date.now())));
  await start({ line: 'store import $FOLDER/sample.jsonl --set store.url=file:$FOLDER/store' });
  environment.ENCRYPTED = (await start(invocations['sms send'] ?? { line: '' })).out.trim();
  await fillLists(playground);
  return async () => {
    abort.abort();
    await lifecycle.stop();
  };
});

/** So that every list has a row. */
async function fillLists({ urls, stubs }: RunningPlayground): Promise<void> {
  const send = { line: 'sms send alice again --msisdn +237650393369 --key $PLAYGROUND_SHARED_KEY' };
  for (const mode of ['reject', 'refuse'] as const) {
    stubs.publisher.setMode(mode, { count: 1 });
    await start(send);
  }
  await fetch(`${urls.gateway}/sms/platform/gateway-client`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ MSISDN: '+237690000009', text: 'Your credit is 250 XAF' }),
  });
  await start(invocations.disconnect ?? send);
}

interface Ended {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

/** A stream that fails as the system does. */
function failing(code: 'EPIPE' | 'ENOSPC'): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) =>
      chunk.length > 0 ? done(Object.assign(new Error(`${code}: write`), { code })) : done(),
  });
}

let runs = 0;

async function start({ line, stdin = '', daemon }: Invocation, stdout?: Writable): Promise<Ended> {
  runs++;
  const fill = (text: string): string =>
    text.replace(/\$(\w+)/g, (_all, name: string) =>
      name === 'RUN' ? `${runs}` : (environment[name] ?? ''),
    );
  const recorded = new RecordedStream(false);
  const err = new RecordedStream(false);
  const signals = new EventEmitter();
  const ended = run(line.split(' ').map(fill), {
    stdout: stdout ?? recorded,
    stderr: err,
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(fill(stdin))]),
    clock: systemClock,
    signals,
    env: { ...environment, HOME: folder, NO_COLOR: '1' },
  });
  // A daemon must notice by itself that its output is lost.
  if (daemon && !stdout) {
    await Promise.race([ended, recorded.until('\n')]);
    signals.emit('SIGINT');
  }
  return { exit: await ended, out: recorded.text, err: err.text };
}

/** What is wrong with each command, by its path. */
async function faultsOf(
  output: () => Writable | undefined,
  check: (ended: Ended, usual: Invocation) => (string | false)[],
) {
  const found: Record<string, unknown> = {};
  async function* runnable() {
    for (const [path, invocation] of Object.entries(invocations))
      if (!invocation.process) yield [path, invocation] as const;
  }
  for await (const _ of mapConcurrent(runnable(), concurrency, async ([path, invocation]) => {
    const ended = await start(invocation, output());
    const isStack = /\n\s+at .*:\d+|node:internal|internal error/.test(ended.err) && 'a stack on stderr';
    const faults = [...check(ended, invocation), isStack].filter(Boolean);
    if (faults.length > 0) found[path] = { faults, ...ended };
  }));
  return found;
}

const options = { timeout: patient(120_000) };

test('every command of the table has a command line here', () => {
  expect(Object.keys(invocations).sort()).toEqual(commands.map(({ path }) => path).sort());
});

test(
  'without input, terminal and colours, commands do their work and print no escape sequence',
  options,
  async () => {
    const found = await faultsOf(
      () => undefined,
      ({ exit, out, err }, { daemon, exit: usual = daemon ? 130 : 0, silent }) => [
        exit !== usual && `exit ${exit}`,
        `${out}${err}`.includes('\u001b') && 'an escape sequence',
        (out === '') !== (silent ?? false) && 'no output, or unexpected output',
      ],
    );
    expect(found).toEqual({});
  },
);

test('commands end quietly when the reader of their output is gone', options, async () => {
  const found = await faultsOf(
    () => failing('EPIPE'),
    ({ exit, err }, { exit: usual = 0 }) => [
      exit !== usual && `exit ${exit}`,
      /EPIPE/.test(err) && 'an error',
    ],
  );
  expect(found).toEqual({});
});

test('commands say that their output cannot be written', options, async () => {
  const found = await faultsOf(
    () => failing('ENOSPC'),
    ({ exit, err }, { exit: usual = 0, silent }) => [
      exit !== (silent ? usual : 75) && `exit ${exit}`,
      !silent && !/cannot write the output: .*ENOSPC/.test(err) && 'no reason',
    ],
  );
  expect(found).toEqual({});
});

test('a command that fails says that its output is lost as well', async () => {
  const doctor = { line: 'doctor --set pcrf.port=9 --set pcrf.host=127.0.0.1' };
  const { exit, err } = await start(doctor, failing('ENOSPC'));
  expect(exit).toBe(1);
  expect(err).toMatch(/^swob: cannot write the output: ENOSPC: write\nswob: \d+ of \d+ checks failed\n$/);
});

// Runs a command line of swob in the test process, with its own streams, clock, environment and signals.

import { EventEmitter } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { run } from '../../src/cli/run.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { createFakeClock } from '../support/fake-clock.ts';

export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

export async function runCommand(argv: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  const streamTo = (name: keyof typeof output) =>
    new PassThrough().setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  const exit = await run(argv, {
    stdout: streamTo('stdout'),
    stderr: streamTo('stderr'),
    stdin: Readable.from([options.stdin ?? '']),
    env: options.env ?? {},
    clock: options.clock ?? createFakeClock(),
    signals: new EventEmitter(),
  });
  return { exit, ...output };
}

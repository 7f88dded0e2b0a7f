// The options of the playground, and its run for the length of a command. Used by `playground start` and `playground run`.

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Context } from '../context.ts';
import { parsePort } from '../input/option-parsers.ts';
import { createPlayground } from './create.ts';
import { parseFailures, type StubFailures } from './failures.ts';
import { type Playground, playgroundParts } from './playground.ts';

export interface PlaygroundCommandOptions {
  readonly host: string;
  readonly port: number;
  readonly seedData?: boolean;
  readonly disconnect?: string;
  readonly fail?: StubFailures;
  readonly verbose?: boolean;
}

export function addPlaygroundOptions(command: Command): Command {
  return command
    .option('--host <host>', 'address to listen on; 0.0.0.0 for all, as in a container', '127.0.0.1')
    .option(
      '--port <port>',
      'port of the gateway; the other parts take the next seven; 0 picks free ports',
      parseFirstPort,
      0,
    )
    .option('--seed-data', 'start with active seeds and a paired phone')
    .addOption(
      new Option(
        '--disconnect <backend>',
        'what ends Wi-Fi sessions, as [disconnect] backend (default: pcrf)',
      ).choices(['pcrf', 'radius', 'both']),
    )
    .addOption(
      new Option(
        '--fail <stub=how,...>',
        'let stubs fail: publisher=1/3, publisher=<mode>, pcrf=<mode>, nas=1/3, nas=<mode>',
      ).argParser(parseFailures),
    )
    .option('--verbose', 'log everything to stderr, requests to stubs too, instead of warnings and errors');
}

function parseFirstPort(text: string): number {
  const port = parsePort(text);
  if (port + playgroundParts.length - 1 <= 65_535) return port;
  throw new InvalidArgumentError(`Expected a port up to ${65_535 - playgroundParts.length + 1}.`);
}

/** Starts a playground, runs `work`, and removes everything, however it ends. */
export async function withPlayground<T>(
  { io, options }: Context,
  { host, port, disconnect, fail = {}, seedData = false, verbose = false }: PlaygroundCommandOptions,
  signal: AbortSignal,
  work: (playground: Playground) => Promise<T>,
): Promise<T> {
  const { playground, lifecycle } = await createPlayground({
    address: { host, port },
    failures: fail,
    setOptions: [...(disconnect === undefined ? [] : [`disconnect.backend=${disconnect}`]), ...options.set],
    seedData,
    clock: io.clock,
    signal,
    log: {
      level: verbose ? 'info' : 'warn',
      stderr: io.stderr,
      pretty: !options.json,
      colours: options.color,
    },
  });
  try {
    return await work(playground);
  } finally {
    await lifecycle.stop();
  }
}

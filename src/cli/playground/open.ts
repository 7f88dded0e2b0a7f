// The options of the playground, and its run for the length of a command. Used by `playground start` and `playground run`.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { SwobError } from '../../errors.ts';
import type { Context } from '../context.ts';
import { parseBrokerUrl } from '../input/broker.ts';
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
  readonly broker?: string;
  readonly brokerManagement?: string;
  readonly verbose?: boolean;
}

export function addPlaygroundOptions(command: Command): Command {
  return command
    .option('--host <host>', 'address to listen on; 0.0.0.0 for all, as in a container', '127.0.0.1')
    .option(
      '--port <port>',
      'port of the gateway; the other parts take the next eight; 0 picks free ports',
      parseFirstPort,
      0,
    )
    .option('--seed-data', 'start with active seeds, a paired phone and outgoing SMS')
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
    .option(
      '--broker <url>',
      'RabbitMQ for outgoing SMS, with an administrator: amqp://guest:guest@localhost; starts a stub phone, too',
      parseBrokerUrl,
    )
    .option(
      '--broker-management <url>',
      'URL of its management API (default: port 15672 of the same host)',
      parseManagementUrl,
    )
    .option('--verbose', 'log everything to stderr, requests to stubs too, instead of warnings and errors');
}

function parseManagementUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new InvalidArgumentError('Expected a URL such as http://localhost:15672.');
}

function parseFirstPort(text: string): number {
  const port = parsePort(text);
  // One more for the stub phone.
  if (port + playgroundParts.length <= 65_535) return port;
  throw new InvalidArgumentError(`Expected a port up to ${65_535 - playgroundParts.length}.`);
}

/** Starts a playground, runs `work`, and removes everything, however it ends. */
export async function withPlayground<T>(
  { io, options, printer }: Context,
  given: PlaygroundCommandOptions,
  signal: AbortSignal,
  work: (playground: Playground) => Promise<T>,
): Promise<T> {
  const { host, port, disconnect, fail = {}, seedData = false, verbose = false } = given;
  const { broker, brokerManagement } = given;
  if (broker === undefined && brokerManagement !== undefined)
    throw new SwobError('USAGE', '--broker-management needs --broker');
  if (options.config.length > 0)
    printer.warn('-c is ignored: a playground writes its own configuration; change its keys with --set');
  const { playground, lifecycle } = await createPlayground({
    address: { host, port },
    failures: fail,
    ...(broker !== undefined && { broker: { url: broker, managementUrl: brokerManagement } }),
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
    // A signal does not interrupt the start, and nothing would end a command that began after it.
    signal.throwIfAborted();
    return await work(playground);
  } finally {
    await lifecycle.stop();
  }
}

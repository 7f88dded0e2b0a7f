// The command line of the benchmark. Used by main.ts.

import { join, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { root } from './environment.ts';

/** Of the requests that the daemon can answer, or a number of requests a second. */
type Rate = { readonly share: number } | { readonly perSecond: number };

export interface Options {
  readonly help: boolean;
  /** In capitals; empty: all. */
  readonly names: readonly string[];
  readonly soak: boolean;
  readonly quick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly minutes: number;
  readonly rate: Rate;
  readonly broker: Broker | undefined;
  readonly redis: boolean;
  /** Paths of the Nodes that are compared; empty: the one of this process. */
  readonly nodes: readonly string[];
  /** New processes for each round. */
  readonly fresh: boolean;
  readonly users: number;
  readonly old: string | undefined;
  readonly profiles: string | undefined;
  readonly svgFile: string;
  readonly jsonFile: string;
}

/** A RabbitMQ of which the URL's user is an administrator. */
export interface Broker {
  readonly url: string;
  readonly managementUrl: string;
}

/** What `--help` prints. */
export const usage = `Usage: npm run bench -- [benches...] [options]

measure the built swob beside programs that do the same work; docs/performance.md explains the benches and the table

Benches: C1 to C14 (default: all but C12), or soak

  --quick                short rounds: to see that it works, not how fast it is
  --rounds <n>           rounds, of which the median counts (default: 5; --quick: 2)
  --seconds <n>          of one measurement (default: 4; --quick: 1)
  --fresh                new processes for each round
  --node <path>          Node to measure; repeatable, the first is what the others are compared with
  --redis                with the store in a Redis that the benchmark starts
  --users <n>            users of C10 (default: 100000)
  --old <folder>         checkout of the replaced server, for C12
  --minutes <n>          length of a soak test (default: 10)
  --hours <n>            the same in hours
  --rate <rate>          load of a soak test: a share of the maximum, or requests a second such as 300/s (default: 0.5)
  --broker <url>         RabbitMQ of a soak test
  --management <url>     its management API (default: port 15672 of the broker)
  --svg <file>           plot of a soak test (default: docs/soak.svg)
  --cpu-prof <folder>    CPU profile of each daemon
  --json <file>          all values (default: bench-results.json)
  -h, --help             this text`;

export const flags = {
  help: { type: 'boolean', short: 'h', default: false },
  quick: { type: 'boolean', default: false },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  minutes: { type: 'string' },
  hours: { type: 'string' },
  rate: { type: 'string', default: '0.5' },
  broker: { type: 'string' },
  management: { type: 'string' },
  redis: { type: 'boolean', default: false },
  node: { type: 'string', multiple: true, default: [] },
  fresh: { type: 'boolean', default: false },
  users: { type: 'string' },
  old: { type: 'string' },
  svg: { type: 'string', default: join(root, 'docs', 'soak.svg') },
  'cpu-prof': { type: 'string' },
  json: { type: 'string', default: join(root, 'bench-results.json') },
} as const satisfies ParseArgsConfig['options'];

/** Throws an Error for the command line. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: flags,
  });
  const names = positionals.map((name) => name.toUpperCase());
  const soak = names.includes('SOAK');
  if (soak && names.length > 1) throw new Error('soak runs alone');
  if (values.minutes !== undefined && values.hours !== undefined) {
    throw new Error('--minutes and --hours exclude each other');
  }
  if (soak && values.node.length > 1) throw new Error('a soak test runs on one --node');
  const { help, quick, redis, fresh } = values;
  return {
    names: soak ? [] : names,
    soak,
    help,
    quick,
    redis,
    fresh,
    nodes: values.node,
    rounds: parsePositive('rounds', values.rounds, quick ? 2 : 5),
    seconds: parsePositive('seconds', values.seconds, quick ? 1 : 4),
    minutes:
      values.hours === undefined
        ? parsePositive('minutes', values.minutes, 10)
        : 60 * parsePositive('hours', values.hours, 1),
    rate: parseRate(values.rate),
    broker: parseBroker(values.broker, values.management),
    users: parsePositive('users', values.users, 100_000),
    old: values.old === undefined ? undefined : resolve(values.old),
    profiles: values['cpu-prof'] === undefined ? undefined : resolve(values['cpu-prof']),
    svgFile: resolve(values.svg),
    jsonFile: resolve(values.json),
  };
}

function parsePositive(name: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name}: expected a number above 0`);
}

function parseRate(text: string): Rate {
  const value = Number(/^([\d.]+)(?:\/s)?$/.exec(text)?.[1]);
  if (value > 0 && text.endsWith('/s')) return { perSecond: value };
  if (value > 0 && value <= 1) return { share: value };
  throw new Error('--rate: expected a share of the maximum such as 0.5, or requests a second such as 300/s');
}

function parseBroker(url: string | undefined, management: string | undefined): Broker | undefined {
  if (url === undefined) return undefined;
  if (!URL.canParse(url))
    throw new Error('--broker: expected a URL such as amqp://guest:guest@localhost:5672');
  // The port of RabbitMQ's management plugin.
  return { url, managementUrl: management ?? `http://${new URL(url).hostname}:15672` };
}

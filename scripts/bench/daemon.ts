// The real binary as the daemon under test: limits enabled but unreachable, a store on disk. Used by the benchmarks.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchEnvironment, swobScript } from './environment.ts';
import type { Role } from './machine.ts';
import type { Child } from './processes.ts';

export type Service = 'gateway' | 'sync' | 'disconnect';

export interface Daemon {
  readonly child: Child;
  /** `http://127.0.0.1:…` of each service that was started. */
  readonly urls: Readonly<Record<Service, string>>;
  /** Reads /metrics: values by name and labels, `name{label="x"}`. */
  metrics(): Promise<Metrics>;
}

export type Metrics = ReadonlyMap<string, number>;

/** The delay of the event loop in milliseconds since the metrics were last read. */
export function loopDelayMs(metrics: Metrics, stat: 'p99' | 'max'): number {
  return 1_000 * (metrics.get(`swob_event_loop_delay_seconds{stat="${stat}"}`) ?? Number.NaN);
}

export interface DaemonOptions {
  /** Holds data and keys; a new folder by default. */
  readonly folder?: string;
  /** `section.key=value`, in addition to the common settings. */
  readonly settings?: readonly string[];
  readonly role?: Role;
  /** `--workers`; a single process unless given. */
  readonly workers?: number;
  /** Flags of node. */
  readonly nodeFlags?: readonly string[];
}

/** Limits are counted, but refuse no benchmark. */
const unreachableLimit = '900000000/1m';

const commonSettings = [
  'api.port=0',
  'websocket.port=0',
  'disconnect.host=127.0.0.1',
  'disconnect.port=0',
  ...['pings', 'sessions', 'guesses', 'sms', 'disconnects'].map(
    (name) => `limits.${name}=${unreachableLimit}`,
  ),
];

export async function startDaemon(
  environment: BenchEnvironment,
  services: readonly Service[],
  options: DaemonOptions = {},
): Promise<Daemon> {
  const { settings = [], role = 'server', nodeFlags = [], workers } = options;
  const folder = options.folder ?? (await environment.folder());
  const readyFile = join(folder, 'ready.json');
  // With its own keys: a daemon with another key pair would be refused.
  const prefix = folder.replaceAll(/\W+/g, '-').slice(-60);
  const store =
    environment.storeUrl === undefined
      ? []
      : [`store.url=${environment.storeUrl}`, `store.prefix=bench${prefix}`];
  const set = [...commonSettings, ...store, ...settings].flatMap((setting) => ['--set', setting]);
  const profile =
    environment.profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${environment.profiles}`];
  const args = [
    ...nodeFlags,
    ...profile,
    swobScript,
    'serve',
    ...services,
    ...(workers === undefined ? [] : ['--workers', String(workers)]),
    '--ready-file',
    readyFile,
    ...set,
  ];
  const child = environment.startNode(role, `swob serve ${services.join(' ')}`, args, { cwd: folder });
  // The file is written before the first line.
  await child.nextLine();
  const ready: Partial<Record<Service, { url: string }>> = JSON.parse(await readFile(readyFile, 'utf8'));
  const urls = {
    gateway: ready.gateway?.url ?? '',
    sync: ready.sync?.url ?? '',
    disconnect: ready.disconnect?.url ?? '',
  };
  const first = [urls.gateway, urls.disconnect, urls.sync.replace(/^ws/, 'http')].find((url) => url !== '');
  return { child, urls, metrics: async () => parseMetrics(await (await fetch(`${first}/metrics`)).text()) };
}

/** Parses the part of Prometheus' text format that swob writes. */
function parseMetrics(text: string): Metrics {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

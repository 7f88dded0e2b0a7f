// The real binary as a daemon under test: limits on but out of reach, a store on disk. Used by the benches.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lab, swobScript } from './lab.ts';
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

/** How late the event loop was, in milliseconds, since the metrics were read before. */
export function loopDelayMs(metrics: Metrics, stat: 'p99' | 'max'): number {
  return 1_000 * (metrics.get(`swob_event_loop_delay_seconds{stat="${stat}"}`) ?? Number.NaN);
}

export interface DaemonOptions {
  /** Holds data and keys; a new folder by default. */
  readonly folder?: string;
  /** `section.key=value`, besides what every bench sets. */
  readonly settings?: readonly string[];
  readonly role?: Role;
  /** Flags of node. */
  readonly nodeFlags?: readonly string[];
}

/** The code that counts runs; no bench is to be refused. */
const outOfReach = '900000000/1m';

const everyBench = [
  'api.port=0',
  'websocket.port=0',
  'disconnect.host=127.0.0.1',
  'disconnect.port=0',
  ...['pings', 'sessions', 'guesses', 'sms', 'disconnects'].map((name) => `limits.${name}=${outOfReach}`),
];

export async function startDaemon(
  lab: Lab,
  services: readonly Service[],
  options: DaemonOptions = {},
): Promise<Daemon> {
  const { settings = [], role = 'server', nodeFlags = [] } = options;
  const folder = options.folder ?? (await lab.folder());
  const readyFile = join(folder, 'ready.json');
  // Keys of its own: a daemon with another key pair would be refused.
  const prefix = folder.replaceAll(/\W+/g, '-').slice(-60);
  const store =
    lab.storeUrl === undefined ? [] : [`store.url=${lab.storeUrl}`, `store.prefix=bench${prefix}`];
  const set = [...everyBench, ...store, ...settings].flatMap((setting) => ['--set', setting]);
  const profile = lab.profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${lab.profiles}`];
  const args = [
    ...nodeFlags,
    ...profile,
    swobScript,
    'serve',
    ...services,
    '--ready-file',
    readyFile,
    ...set,
  ];
  const child = lab.startNode(role, `swob serve ${services.join(' ')}`, args, folder);
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

/** The text format of Prometheus, as far as we write it. */
function parseMetrics(text: string): Metrics {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

// C14: what each activity holds up: its longest turn of the event loop, alone, on a large store.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Turns } from '../children/turns.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { pings } from '../fixtures.ts';
import type { HttpRequest } from '../http-load.ts';
import { fillLargeStore } from '../large-store.ts';
import { describePauses, latestProfile } from '../pauses.ts';

const large = { users: 1_000, seeds: 10_000, activeSeeds: 10_000, receipts: 100_000, waiting: 50_000 };
const quick = { users: 100, seeds: 1_000, activeSeeds: 1_000, receipts: 1_000, waiting: 1_000 };
const settings = [
  'seeds.expiry=1h',
  'limits.lookups=off',
  'logging.max_file_size=64 KB',
  'overload.max_event_loop_delay=10s',
];
const settleMs = 200;
const maxWaitMs = 10_000;

interface Activity {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

export const pausesBench: Bench = {
  id: 'C14',
  title: 'the longest turn of the event loop in each activity',
  run: async (environment) => {
    const folder = await environment.folder();
    await fillLargeStore(folder, environment.quick ? quick : large);
    const daemon = await startDaemon(environment, ['gateway', 'sync'], {
      folder,
      settings: [...settings, `logging.base_dir=${join(folder, 'log')}`],
      nodeFlags: ['--import', environment.scriptPath('turns')],
    });
    const measured: { readonly name: string; readonly turns: Turns }[] = [];
    await sleep(settleMs);
    for (const { name, run } of await activities(daemon, folder)) {
      await takeTurns(daemon, folder);
      await run();
      await sleep(settleMs);
      measured.push({ name, turns: await takeTurns(daemon, folder) });
    }
    await daemon.child.stop();
    reportPauses(environment, measured);
    return measured.map(({ name, turns }) => ({
      ...{ name: `C14 ${name}`, unit: 'ms', baseline: [], target: { oursAtMost: 20 } },
      ours: [turns.longest[0]?.cpuMs ?? 0],
    }));
  },
};

/** What was recorded since the last call. */
async function takeTurns({ child }: Daemon, folder: string): Promise<Turns> {
  const file = join(folder, 'turns.json');
  rmSync(file, { force: true });
  process.kill(child.pid, 'SIGUSR2');
  for (const since = performance.now(); !existsSync(file); await sleep(10)) {
    if (performance.now() - since > maxWaitMs) throw new Error('the daemon has written no turns.json');
  }
  return JSON.parse(readFileSync(file, 'utf8'));
}

function reportPauses(
  environment: BenchEnvironment,
  measured: readonly { readonly name: string; readonly turns: Turns }[],
): void {
  const describe = describePauses(latestProfile(environment.profiles));
  for (const { name, turns } of measured)
    for (const line of describe(turns)) environment.reportProgress(`${name}: ${line}`);
}

async function activities({ urls: { gateway } }: Daemon, folder: string): Promise<readonly Activity[]> {
  const token = (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim();
  const call = async (
    { method, path, body }: HttpRequest,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> => {
    const response = await fetch(`${gateway}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
    });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return response;
  };
  const body = JSON.stringify({ token });
  const own = { 'sec-fetch-site': 'same-origin', 'x-swob-console': '1' };
  const { headers } = await call({ method: 'POST', path: '/console/sign-in', body }, own);
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  const get = (name: string, path: string): Activity => ({
    name,
    run: () => call({ method: 'GET', path }, path.startsWith('/console') ? { cookie } : {}),
  });
  const recipients = Array.from({ length: 1_000 }, (_, index) => ({
    number: `+2376${50_000_000 + index}`,
    text: 'a text with ünusual characters, which is longer than one SMS of seventy characters may be',
  }));
  const views = [
    'overview?range=10m',
    'overview?range=24h',
    'overview?range=30d',
    'seeds',
    'seeds?text=2376',
  ];
  const others = [
    'messages',
    'messages?text=23767',
    'pairings',
    'outgoing',
    'disconnects',
    'log',
    'settings',
  ];
  return [
    get('first list', '/seeds'),
    get('list', '/seeds'),
    {
      name: '200 pings and a list',
      run: async () => {
        for (const ping of pings(200)) await call(ping);
        await call({ method: 'GET', path: '/seeds' });
      },
    },
    get('metrics', '/metrics'),
    {
      name: 'operators of 1,000 recipients',
      run: () => call({ method: 'POST', path: '/v1/sms/operators', body: JSON.stringify(recipients) }),
    },
    ...[...views, ...others].map((view) => get(`console ${view}`, `/console/api/${view}`)),
    get('console page', '/console/overview'),
    get('gateway clients', '/v3/clients'),
    get('first page of /docs', '/docs'),
    get('document of /docs', '/docs/json'),
  ];
}

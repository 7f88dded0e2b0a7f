// C13: latencies of pings and disconnects at half load while everything else goes on, and the longest pauses of the event loop.

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { TailPlan, TailResult } from '../children/tail.ts';
import type { Turns } from '../children/turns.ts';
import { startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { disconnectRequests, fillStore } from '../fixtures.ts';
import { describePauses, latestProfile } from '../pauses.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';

const users = 1_000;
const seeds = 10_000;
/** So small that each second brings a rotation of the log and a compaction of receipts. */
const bounds = [
  'seeds.expiry=1h',
  'publisher.max_remembered=2000',
  'logging.max_file_size=64 KB',
  'limits.lookups=off',
  // Other programs on the machine may take the core for longer than the default of a second.
  'overload.max_event_loop_delay=10s',
];

export const tailBench: Bench = {
  id: 'C13',
  title: 'pings and disconnects at half load, beside everything else',
  run: async (environment) => {
    const upstream = await startUpstream(environment);
    const backEnd = await startDeveloperApi(environment);
    const folder = await environment.folder();
    await fillStore(folder, { users, seeds });
    const { requests, keyFile } = await disconnectRequests(folder, 2_000);
    const daemon = await startDaemon(environment, ['gateway', 'sync', 'disconnect'], {
      folder,
      settings: [
        ...Object.values(upstream.settings).flat(),
        ...backEnd.settings,
        `validation.public_key=${keyFile}`,
        `logging.base_dir=${join(folder, 'log')}`,
        ...bounds,
      ],
      nodeFlags: ['--import', environment.scriptPath('turns')],
    });
    const load = await startLoad(environment, {
      gateway: daemon.urls.gateway,
      disconnect: daemon.urls.disconnect,
      ...{ disconnects: requests, users, seeds },
      adminToken: (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim(),
    });
    // The start is a long turn, too.
    process.kill(daemon.child.pid, 'SIGUSR2');
    const seconds = environment.seconds * environment.rounds;
    const most = await load.run(Math.ceil(seconds / 4), 0);
    const result = await load.run(seconds, most.perSecond / 2);
    await Promise.all([load.child, daemon.child, upstream.child, backEnd.child].map((child) => child.stop()));
    const turns: Turns = JSON.parse(readFileSync(join(folder, 'turns.json'), 'utf8'));
    for (const line of describePauses(latestProfile(environment.profiles))(turns))
      environment.reportProgress(line);
    return rows(result, turns);
  },
};

async function startLoad(environment: BenchEnvironment, plan: TailPlan) {
  const file = join(await environment.folder(), 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const child = environment.startScript('load', 'tail', [file]);
  await child.nextLine();
  return {
    child,
    run: async (seconds: number, rate: number): Promise<TailResult> => {
      child.tell(JSON.stringify({ seconds, rate }));
      return JSON.parse(await child.nextLine(seconds * 1_000));
    },
  };
}

function rows({ perSecond, pings, disconnects, others, failed, failure }: TailResult, turns: Turns) {
  const row = { unit: 'ms', baseline: [] };
  const { wallMs = 0, cpuMs = 0 } = turns.longest[0] ?? {};
  const failures = failed > 0 ? [`${failed} requests failed: ${failure}`] : [];
  return [
    {
      ...row,
      ...{ name: 'C13 ping, p99.9', ours: [pings.p999], target: { oursAtMost: 15 }, failures },
      notes: { perSecond, p50Ms: pings.p50, p99Ms: pings.p99, maxMs: pings.max, ...others },
    },
    {
      ...row,
      ...{ name: 'C13 disconnect, p99.9', ours: [disconnects.p999], target: { oursAtMost: 15 } },
      notes: { p50Ms: disconnects.p50, p99Ms: disconnects.p99, maxMs: disconnects.max },
    },
    {
      ...row,
      ...{ name: 'C13 longest turn of the event loop, CPU', ours: [cpuMs], target: { oursAtMost: 20 } },
      notes: { wallMs, longestGcMs: turns.gcMs, turns: turns.turns },
    },
  ];
}

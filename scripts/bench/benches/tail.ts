// C13: latencies of pings and disconnects at half load while everything else goes on, and the longest pauses of the event loop.

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { BesideResult } from '../children/beside.ts';
import type { TailPlan, TailResult, TailRound } from '../children/tail.ts';
import type { Turns } from '../children/turns.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { disconnectRequests, fillStore } from '../fixtures.ts';
import { cpuSeconds } from '../machine.ts';
import { describePauses, latestProfile } from '../pauses.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';

const users = 1_000;
const seeds = 10_000;
/** So small that every few seconds bring a rotation of the log and a compaction of receipts. */
const bounds = [
  'seeds.expiry=1h',
  'publisher.max_remembered=500',
  'logging.max_file_size=64 KB',
  'limits.lookups=off',
  // Other programs on the machine may take the core for longer than the default of a second.
  'overload.max_event_loop_delay=10s',
];
/** Half load: the daemon with all its threads uses this share of a core. */
const halfLoad = 0.5;
/** Of the rates, more than one core does: code that runs rarely is compiled late, and costs several times as much until then. */
const warmUpFactor = 2;
/** Rounds that adjust the rates. */
const trials = 2;

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
    const load = await startLoad(environment, daemon, {
      gateway: daemon.urls.gateway,
      disconnect: daemon.urls.disconnect,
      ...{ disconnects: requests, users, seeds },
      adminToken: (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim(),
    });
    const seconds = environment.seconds * environment.rounds;
    await load.run({ seconds: Math.ceil(seconds / 2), factor: warmUpFactor });
    let factor = halfLoad;
    for (let trial = 0; trial < trials; trial++) {
      const { cpuShare } = await load.run({ seconds: Math.ceil(seconds / 4), factor });
      factor *= halfLoad / cpuShare;
    }
    // The start and the trials are not part of it.
    process.kill(daemon.child.pid, 'SIGUSR2');
    const result = await load.run({ seconds, factor });
    await Promise.all(
      [...load.children, daemon.child, upstream.child, backEnd.child].map((child) => child.stop()),
    );
    const turns: Turns = JSON.parse(readFileSync(join(folder, 'turns.json'), 'utf8'));
    for (const line of describePauses(latestProfile(environment.profiles))(turns))
      environment.reportProgress(line);
    return rows(result, turns);
  },
};

interface RoundResult extends TailResult {
  readonly beside: BesideResult;
  readonly cpuShare: number;
  readonly seconds: number;
}

async function startLoad(environment: BenchEnvironment, daemon: Daemon, plan: TailPlan) {
  const file = join(await environment.folder(), 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const [main, beside] = ['tail', 'beside'].map((name) => environment.startScript('load', name, [file]));
  if (!main || !beside) throw new Error('there is no load');
  const children = [main, beside];
  await Promise.all(children.map((child) => child.nextLine()));
  return {
    children,
    run: async (round: TailRound): Promise<RoundResult> => {
      const [began, cpu] = [performance.now(), cpuSeconds(daemon.child.pid)];
      for (const child of children) child.tell(JSON.stringify(round));
      const lines = await Promise.all(children.map((child) => child.nextLine(round.seconds * 1_000)));
      const seconds = (performance.now() - began) / 1_000;
      const cpuShare = (cpuSeconds(daemon.child.pid) - cpu) / seconds;
      const [tail, others]: [TailResult, BesideResult] = [
        JSON.parse(lines[0] ?? ''),
        JSON.parse(lines[1] ?? ''),
      ];
      return { ...tail, beside: others, cpuShare, seconds };
    },
  };
}

function rows({ pings, disconnects, beside, cpuShare, seconds }: RoundResult, turns: Turns) {
  const row = { unit: 'ms', baseline: [] };
  const { wallMs = 0, cpuMs = 0 } = turns.longest[0] ?? {};
  const failures = Object.entries({ pings, disconnects, ...beside }).flatMap(([name, { failed, failure }]) =>
    failed > 0 ? [`${failed} ${name} failed: ${failure}`] : [],
  );
  const others = Object.fromEntries(Object.entries(beside).map(([name, { done }]) => [name, done]));
  const notesOf = ({ done, latencies, late }: TailResult['pings']) => ({
    perSecond: done / seconds,
    ...{ p50Ms: latencies.p50, p99Ms: latencies.p99, maxMs: latencies.max, sentLateP999Ms: late.p999 },
  });
  return [
    {
      ...row,
      ...{ name: 'C13 ping, p99.9', ours: [pings.latencies.p999], target: { oursAtMost: 15 }, failures },
      notes: { serverCpu: cpuShare, ...notesOf(pings), ...others },
    },
    {
      ...row,
      ...{ name: 'C13 disconnect, p99.9', ours: [disconnects.latencies.p999], target: { oursAtMost: 15 } },
      notes: notesOf(disconnects),
    },
    {
      ...row,
      ...{ name: 'C13 longest turn of the event loop, CPU', ours: [cpuMs], target: { oursAtMost: 20 } },
      notes: { wallMs, longestGcMs: turns.gcMs, turns: turns.turns },
    },
  ];
}

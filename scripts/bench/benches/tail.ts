// C13: latencies of pings and disconnects at half load while everything else goes on, and the longest pauses of the event loop. The
// baselines of C1 and C6 get the same pings and disconnects, with nothing beside them: what the machine and the load cost.

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { collectorFlags } from '../../../src/app/collector-threads.ts';
import type { Bench } from '../bench.ts';
import type { BesideResult } from '../children/beside.ts';
import type { OpenLoopResult } from '../children/open-loop.ts';
import type { TailPlan, TailResult, TailRound } from '../children/tail.ts';
import type { Turns } from '../children/turns.ts';
import { startDaemon } from '../daemon.ts';
import { type BenchEnvironment, startServer } from '../environment.ts';
import { disconnectRequests, fillStore } from '../fixtures.ts';
import { cpuSeconds } from '../machine.ts';
import { describePauses, latestProfile } from '../pauses.ts';
import type { Child } from '../processes.ts';
import { inTurn } from '../rounds.ts';
import { median, percentile } from '../statistics.ts';
import { startDeveloperApi, startUpstream } from '../upstreams.ts';
import { poolSize } from './disconnects.ts';

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
    // As swob, all collect garbage without threads that would take the core from them.
    const fair = {
      gateway: await startServer(environment, 'server', 'fair-pings', [], collectorFlags),
      disconnect: await startServer(
        environment,
        'server',
        'fair-disconnects',
        [upstream.url, poolSize, keyFile, join(await environment.folder(), 'audit-of-baseline')],
        collectorFlags,
      ),
    };
    const load = await startLoad(environment, daemon.child.pid, {
      ours: daemon.urls,
      baseline: { gateway: fair.gateway.url, disconnect: fair.disconnect.url },
      ...{ disconnects: requests, users, seeds },
      adminToken: (await readFile(join(folder, 'data', 'security', 'admin.token'), 'utf8')).trim(),
    });
    const { seconds, rounds } = environment;
    const warmUp = { seconds: Math.ceil((seconds * rounds) / 2), factor: warmUpFactor };
    await load.baseline(warmUp);
    await load.ours(warmUp);
    let factor = halfLoad;
    for (let trial = 0; trial < trials; trial++) {
      const { cpuShare } = await load.ours({ seconds: Math.ceil((seconds * rounds) / 4), factor });
      factor *= halfLoad / cpuShare;
    }
    // The start and the trials are not part of it.
    process.kill(daemon.child.pid, 'SIGUSR2');
    const round = { seconds, factor };
    const results = await inTurn(
      rounds,
      () => load.ours(round),
      () => load.baseline(round),
    );
    const servers = [daemon.child, fair.gateway.child, fair.disconnect.child, upstream.child, backEnd.child];
    await Promise.all([...load.children, ...servers].map((child) => child.stop()));
    const turns: Turns = JSON.parse(readFileSync(join(folder, 'turns.json'), 'utf8'));
    for (const line of describePauses(latestProfile(environment.profiles))(turns))
      environment.reportProgress(line);
    return rows(results, turns);
  },
};

interface OursResult extends TailResult {
  readonly beside: BesideResult;
  readonly cpuShare: number;
  readonly seconds: number;
}

type Round = Omit<TailRound, 'side'>;

async function startLoad(environment: BenchEnvironment, daemonPid: number, plan: TailPlan) {
  const file = join(await environment.folder(), 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const children = [
    environment.startScript('load', 'tail', [file], collectorFlags),
    environment.startScript('load', 'beside', [file], collectorFlags),
  ] as const;
  const [main, beside] = children;
  await Promise.all(children.map((child) => child.nextLine()));
  const ask = async <T>(child: Child, round: TailRound): Promise<T> => {
    child.tell(JSON.stringify(round));
    return JSON.parse(await child.nextLine(round.seconds * 1_000));
  };
  return {
    children,
    baseline: (round: Round) => ask<TailResult>(main, { ...round, side: 'baseline' }),
    ours: async (round: Round): Promise<OursResult> => {
      const order: TailRound = { ...round, side: 'ours' };
      const [began, cpu] = [performance.now(), cpuSeconds(daemonPid)];
      const [tail, others] = await Promise.all([
        ask<TailResult>(main, order),
        ask<BesideResult>(beside, order),
      ]);
      const seconds = (performance.now() - began) / 1_000;
      return { ...tail, beside: others, cpuShare: (cpuSeconds(daemonPid) - cpu) / seconds, seconds };
    },
  };
}

function rows(
  { ours, baseline }: { ours: readonly OursResult[]; baseline: readonly TailResult[] },
  turns: Turns,
) {
  const { wallMs = 0, cpuMs = 0 } = turns.longest[0] ?? {};
  const seconds = ours.reduce((sum, round) => sum + round.seconds, 0);
  const beside = mergeKinds(ours.map((round) => round.beside));
  const row = (name: string, kind: keyof TailResult) => {
    const own = merge(ours.map((round) => round[kind]));
    const fair = merge(baseline.map((round) => round[kind]));
    return {
      ...{ name, unit: 'ms', target: { oursAtMost: 15 } },
      ...{ ours: [percentile(own.latencies, 99.9)], baseline: [percentile(fair.latencies, 99.9)] },
      failures: failuresOf({ [kind]: own, [`${kind} of the baseline`]: fair }),
      notes: {
        perSecond: own.latencies.length / seconds,
        ...{ p50Ms: percentile(own.latencies, 50), p99Ms: percentile(own.latencies, 99) },
        ...{ maxMs: percentile(own.latencies, 100), sentLateP999Ms: percentile(own.late, 99.9) },
        ...{ baselineP50Ms: percentile(fair.latencies, 50), baselineP99Ms: percentile(fair.latencies, 99) },
        ...{
          baselineMaxMs: percentile(fair.latencies, 100),
          baselineSentLateP999Ms: percentile(fair.late, 99.9),
        },
      },
    };
  };
  const ping = row('C13 ping, p99.9', 'pings');
  return [
    {
      ...ping,
      failures: [...ping.failures, ...failuresOf(beside)],
      notes: {
        serverCpu: median(ours.map(({ cpuShare }) => cpuShare)),
        ...ping.notes,
        ...Object.fromEntries(
          Object.entries(beside).map(([name, { latencies }]) => [name, latencies.length]),
        ),
      },
    },
    row('C13 disconnect, p99.9', 'disconnects'),
    {
      ...{ name: 'C13 longest turn of the event loop, CPU', unit: 'ms', ours: [cpuMs], baseline: [] },
      target: { oursAtMost: 20 },
      notes: { wallMs, longestGcMs: turns.gcMs, turns: turns.turns },
    },
  ];
}

/** All rounds as one: of a short round the percentiles of disconnects would be those of a few. */
function merge(rounds: readonly OpenLoopResult[]): OpenLoopResult {
  return {
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    failure: rounds.find(({ failed }) => failed > 0)?.failure ?? '',
    latencies: rounds.flatMap(({ latencies }) => latencies),
    late: rounds.flatMap(({ late }) => late),
  };
}

function mergeKinds(rounds: readonly BesideResult[]): BesideResult {
  const kinds = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(kinds.map((kind) => [kind, merge(rounds.flatMap((round) => round[kind] ?? []))]));
}

function failuresOf(kinds: Readonly<Record<string, OpenLoopResult>>): string[] {
  return Object.entries(kinds).flatMap(([name, { failed, failure }]) =>
    failed > 0 ? [`${failed} ${name} failed: ${failure}`] : [],
  );
}

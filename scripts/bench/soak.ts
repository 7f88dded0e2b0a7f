// `npm run bench -- soak`: mixed load at half of the daemon's capacity for minutes, to check that its memory stays flat.
// Used by main.ts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MixedResult, Plan } from './children/mixed.ts';
import { type Daemon, loopDelayMs, startDaemon } from './daemon.ts';
import type { BenchEnvironment } from './environment.ts';
import { disconnectRequests, fillStore } from './fixtures.ts';
import { residentKb } from './machine.ts';
import { plot } from './plot.ts';
import { judge, type Verdict } from './report.ts';
import { describeFailures, heldSockets, startSockets } from './socket-clients.ts';
import { startDeveloperApi, startUpstream } from './upstreams.ts';

const users = 1_000;
const receipts = 5_000;
/** Number of samples, and their least interval. */
const [samplesWanted, leastEveryMs] = [120, 1_000];

interface Sample {
  readonly minutes: number;
  readonly residentMb: number;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly openFds: number;
  /** Sockets, timers and requests that Node counts. */
  readonly resources: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
}

interface Soak {
  readonly rows: readonly Verdict[];
  readonly samples: readonly Sample[];
}

/** Writes the plot to `svgFile`. */
export async function runSoak(
  environment: BenchEnvironment,
  minutes: number,
  svgFile: string,
): Promise<Soak> {
  const sockets = environment.quick ? 50 : 1_000;
  const upstream = await startUpstream(environment);
  const backEnd = await startDeveloperApi(environment);
  const folder = await environment.folder();
  await fillStore(folder, { users });
  const { requests, keyFile } = await disconnectRequests(folder, environment.quick ? 100 : 2_000);
  const daemon = await startDaemon(environment, ['gateway', 'sync', 'disconnect'], {
    folder,
    settings: [
      ...Object.values(upstream.settings).flat(),
      ...backEnd.settings,
      `validation.public_key=${keyFile}`,
      ...heldSockets,
      // Full within the first quarter, so that bounded caches do not hide a leak.
      `publisher.max_remembered=${receipts}`,
    ],
    // As in confs/install/default: without it, V8 keeps hundreds of megabytes of garbage.
    nodeFlags: ['--max-old-space-size=128'],
  });
  const { gateway, disconnect } = daemon.urls;
  const clients = await startSockets(environment, [gateway, '-']);
  await clients.open(sockets);
  const load = await startMixed(environment, { gateway, disconnect, disconnects: requests, users });

  environment.reportProgress('looking for the most that it can do');
  await load(environment.quick ? 1 : 5, 0);
  const most = await load(environment.quick ? 1 : 10, 0);
  const rate = most.perSecond / 2;
  environment.reportProgress(
    `${Math.round(most.perSecond)} requests a second; ${minutes} minutes at half of that`,
  );
  await daemon.metrics();
  const running = load(minutes * 60, rate);
  const samples = await sampleUntil(daemon, running, minutes);
  const result = await running;
  const frames = await clients.close();
  await Promise.all([daemon.child, upstream.child, backEnd.child].map((child) => child.stop()));

  await writeFile(svgFile, draw(samples, rate, sockets));
  const failures = [
    ...(result.failed > 0
      ? [`${result.failed} of ${result.requests} requests failed: ${result.failure}`]
      : []),
    ...describeFailures(frames),
  ];
  return { rows: verdicts(samples, result, failures, rate, frames.p99), samples };
}

async function startMixed(environment: BenchEnvironment, plan: Plan) {
  const file = join(await environment.folder(), 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const child = environment.startScript('load', 'mixed', [file]);
  await child.nextLine();
  return async (seconds: number, rate: number): Promise<MixedResult> => {
    child.tell(JSON.stringify({ seconds, rate }));
    return JSON.parse(await child.nextLine(seconds * 1_000));
  };
}

async function sampleUntil(daemon: Daemon, running: Promise<unknown>, minutes: number): Promise<Sample[]> {
  const everyMs = Math.max(leastEveryMs, (minutes * 60_000) / samplesWanted);
  const samples: Sample[] = [];
  const since = performance.now();
  const over = running.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([over, sleep(everyMs, false)]))) {
    const metrics = await daemon.metrics();
    const value = (name: string): number => metrics.get(name) ?? Number.NaN;
    const resources = [...metrics].filter(([name]) => name.startsWith('nodejs_active_resources{'));
    samples.push({
      minutes: (performance.now() - since) / 60_000,
      residentMb: residentKb(daemon.child.pid) / 1_024,
      heapMb: value('nodejs_heap_size_used_bytes') / 1_048_576,
      externalMb: value('nodejs_external_memory_bytes') / 1_048_576,
      openFds: value('process_open_fds'),
      resources: resources.reduce((sum, [, count]) => sum + count, 0),
      loopDelayP99Ms: loopDelayMs(metrics, 'p99'),
      loopDelayMaxMs: loopDelayMs(metrics, 'max'),
    });
  }
  return samples;
}

/** Flat: the last quarter beside the second; in the first, memory still grows to what the work needs. */
function verdicts(
  samples: readonly Sample[],
  result: MixedResult,
  failures: readonly string[],
  rate: number,
  framesLateP99Ms: number,
): Verdict[] {
  const quarter = Math.floor(samples.length / 4);
  const second = samples.slice(quarter, 2 * quarter);
  const last = samples.slice(3 * quarter, 4 * quarter);
  const rows = [
    { key: 'residentMb', name: 'soak RSS, last quarter beside second', unit: 'MB', failures },
    { key: 'heapMb', name: 'soak heap, last quarter beside second', unit: 'MB', failures: [] },
    { key: 'openFds', name: 'soak open files, last quarter beside second', unit: 'fds', failures: [] },
  ] as const;
  return rows.map(({ key, ...row }) =>
    judge({
      ...row,
      ours: last.map((sample) => sample[key]),
      baseline: second.map((sample) => sample[key]),
      target: { atMost: 1.1 },
      notes: { rate, requests: result.requests, skipped: result.skipped, p99Ms: result.p99, framesLateP99Ms },
    }),
  );
}

function draw(samples: readonly Sample[], rate: number, sockets: number): string {
  const values = (key: keyof Sample): number[] => samples.map((sample) => sample[key]);
  const title = `Soak: ${Math.round(rate)} requests a second of every kind, ${sockets} sync sockets`;
  return plot(title, values('minutes'), [
    {
      title: 'Memory, MB',
      lines: [
        { name: 'resident', values: values('residentMb') },
        { name: 'heap in use', values: values('heapMb') },
      ],
    },
    {
      title: 'Event loop late, ms',
      lines: [
        { name: 'p99', values: values('loopDelayP99Ms') },
        { name: 'max', values: values('loopDelayMaxMs') },
      ],
    },
    {
      title: 'Handles',
      lines: [
        { name: 'active resources', values: values('resources') },
        { name: 'open files', values: values('openFds') },
      ],
    },
  ]);
}

// `npm run bench -- soak`: everything at once at half of what the daemon can do, for minutes, and whether its memory
// stays flat. Used by main.ts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MixedResult, Plan } from './children/mixed.ts';
import { type Daemon, loopDelayMs, startDaemon } from './daemon.ts';
import { disconnectRequests, fillStore } from './fixtures.ts';
import type { Lab } from './lab.ts';
import { residentKb } from './machine.ts';
import { plot } from './plot.ts';
import { judge, type Verdict } from './report.ts';
import { faultsOf, heldSockets, startSockets } from './socket-clients.ts';
import { startBackEnd, startUpstream } from './upstreams.ts';

const users = 1_000;
const receipts = 5_000;
/** Samples of a soak, and how close they may be. */
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
export async function runSoak(lab: Lab, minutes: number, svgFile: string): Promise<Soak> {
  const sockets = lab.quick ? 50 : 1_000;
  const upstream = await startUpstream(lab);
  const backEnd = await startBackEnd(lab);
  const folder = await lab.folder();
  await fillStore(folder, { users });
  const { requests, keyFile } = await disconnectRequests(folder, lab.quick ? 100 : 2_000);
  const daemon = await startDaemon(lab, ['gateway', 'sync', 'disconnect'], {
    folder,
    settings: [
      ...Object.values(upstream.settings).flat(),
      ...backEnd.settings,
      `validation.public_key=${keyFile}`,
      ...heldSockets,
      // Full within the first quarter: what is remembered by design shall not hide what is not.
      `publisher.max_remembered=${receipts}`,
    ],
    // As confs/install/default has it: without, V8 lets garbage lie until it is hundreds of megabytes.
    nodeFlags: ['--max-old-space-size=128'],
  });
  const { gateway, disconnect } = daemon.urls;
  const clients = await startSockets(lab, [gateway, '-']);
  await clients.open(sockets);
  const load = await startMixed(lab, { gateway, disconnect, disconnects: requests, users });

  lab.say('looking for the most that it can do');
  await load(lab.quick ? 1 : 5, 0);
  const most = await load(lab.quick ? 1 : 10, 0);
  const rate = most.perSecond / 2;
  lab.say(`${Math.round(most.perSecond)} requests a second; ${minutes} minutes at half of that`);
  await daemon.metrics();
  const running = load(minutes * 60, rate);
  const samples = await sampleUntil(daemon, running, minutes);
  const result = await running;
  const frames = await clients.close();
  await Promise.all([daemon.child, upstream.child, backEnd.child].map((child) => child.stop()));

  await writeFile(svgFile, draw(samples, rate, sockets));
  const faults = [
    ...(result.failed > 0
      ? [`${result.failed} of ${result.requests} requests failed: ${result.failure}`]
      : []),
    ...faultsOf(frames),
  ];
  return { rows: verdicts(samples, result, faults, rate, frames.p99), samples };
}

async function startMixed(lab: Lab, plan: Plan) {
  const file = join(await lab.folder(), 'plan.json');
  await writeFile(file, JSON.stringify(plan));
  const child = lab.startScript('load', 'mixed', [file]);
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
  faults: readonly string[],
  rate: number,
  framesLateP99Ms: number,
): Verdict[] {
  const quarter = Math.floor(samples.length / 4);
  const second = samples.slice(quarter, 2 * quarter);
  const last = samples.slice(3 * quarter, 4 * quarter);
  const rows = [
    { key: 'residentMb', name: 'soak RSS, last quarter beside second', unit: 'MB', faults },
    { key: 'heapMb', name: 'soak heap, last quarter beside second', unit: 'MB', faults: [] },
    { key: 'openFds', name: 'soak open files, last quarter beside second', unit: 'fds', faults: [] },
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

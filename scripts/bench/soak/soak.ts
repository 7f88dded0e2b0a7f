// `npm run bench -- soak`: mixed load for minutes or days, to check that memory, files and handles stay flat. What has been
// measured is written at every sample, and an interrupted test draws what it has. Used by main.ts.

import { rename, writeFile } from 'node:fs/promises';
import type { LastingFrames } from '../children/lasting-sockets.ts';
import type { MixedResult } from '../children/mixed.ts';
import type { BenchEnvironment } from '../environment.ts';
import type { Options } from '../options.ts';
import { judge, type Verdict } from '../report.ts';
import { drawSoak } from './chart.ts';
import { driftOf, peaksOf } from './drift.ts';
import { type Sample, sampleUntil } from './samples.ts';
import { type SoakSystems, startSoakSystems } from './systems.ts';
import { countWork, type Work } from './work.ts';

/** Flat: the line through the values at the end of the test beside the end of its first quarter. */
const flat = 1.1;

export interface Soak {
  readonly rows: readonly Verdict[];
  readonly samples: readonly Sample[];
  readonly minutes: number;
  readonly interrupted: boolean;
  /** What the daemon did of each kind. */
  readonly work: Work;
}

interface SoakDeps {
  readonly options: Pick<Options, 'minutes' | 'rate' | 'broker' | 'svgFile'>;
  /** Resolves when the test is to end early. */
  readonly stopped: Promise<unknown>;
  /** Stores the results so far. */
  save(soak: Soak): Promise<void>;
}

interface End {
  readonly work?: Work;
  readonly load?: MixedResult;
  readonly frames?: LastingFrames;
  /** What ended the test. */
  readonly error?: string;
}

/** Also writes the plot. Resolves when the daemon dies, with that as a failure. */
export async function runSoak(
  environment: BenchEnvironment,
  { options, stopped, save }: SoakDeps,
): Promise<Soak> {
  const { minutes, svgFile } = options;
  const systems = await startSoakSystems(environment, options.broker);
  const rate = await chooseRate(environment, systems, options.rate);
  environment.reportProgress(`${minutes} minutes at ${Math.round(rate)} requests a second`);
  const samples: Sample[] = [];
  let interrupted = false;
  void stopped.then(() => {
    interrupted = true;
    systems.stopLoad();
  });
  const store = async (end: End): Promise<Soak> => {
    const soak = { rows: verdicts(samples, rate, end), samples, minutes, interrupted, work: end.work ?? {} };
    if (samples.length > 0) await replace(svgFile, drawSoak(titleOf(rate, systems, options), samples));
    await save(soak);
    return soak;
  };

  // Discards the delays of the preparation.
  await systems.daemon.metrics();
  const load = systems.load(minutes * 60, rate);
  try {
    await sampleUntil(load, { ...systems, minutes }, async (sample) => {
      samples.push(sample);
      await environment.trimLogs();
      await store({});
    });
    const result = await load;
    const work = await countWork(systems, options.broker !== undefined);
    return await store({ work, load: result, frames: await systems.close() });
  } catch (error) {
    return await store({ error: error instanceof Error ? error.message : String(error) });
  }
}

async function chooseRate(
  environment: BenchEnvironment,
  systems: SoakSystems,
  rate: Options['rate'],
): Promise<number> {
  if ('perSecond' in rate) return rate.perSecond;
  environment.reportProgress('looking for the most that it can do');
  await systems.load(environment.quick ? 1 : 5, 0);
  const most = await systems.load(environment.quick ? 1 : 10, 0);
  environment.reportProgress(`${Math.round(most.perSecond)} requests a second`);
  return most.perSecond * rate.share;
}

/** A reader of the file never sees half of it. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

function titleOf(rate: number, { sockets }: SoakSystems, { broker }: Pick<Options, 'broker'>): string {
  const kinds = broker ? 'every kind' : 'every kind but outgoing SMS';
  return `Soak: ${Math.round(rate)} requests a second of ${kinds}, ${sockets} sync sockets`;
}

const rows = [
  { key: 'residentMb', name: 'soak resident memory, end beside start', unit: 'MB', drift: driftOf },
  { key: 'heapMb', name: 'soak heap in use, end beside start', unit: 'MB', drift: driftOf },
  { key: 'openFds', name: 'soak open files, end beside start', unit: 'fds', drift: driftOf },
  { key: 'resources', name: 'soak handles, end beside start', unit: 'handles', drift: driftOf },
  {
    key: 'files',
    name: 'soak files of store, keys and log, end beside start',
    unit: 'files',
    drift: driftOf,
  },
  { key: 'filesMb', name: 'soak size of these files, last peak beside first', unit: 'MB', drift: peaksOf },
] as const;

function verdicts(
  samples: readonly Sample[],
  rate: number,
  { work = {}, load, frames, error }: End,
): Verdict[] {
  const failures = [
    ...(error === undefined ? [] : [error]),
    ...(load && load.failed > 0
      ? [`${load.failed} of ${load.requests} requests failed: ${load.failure}`]
      : []),
    ...(frames && frames.lost > 0 ? [`${frames.lost} frames were lost`] : []),
    ...Object.entries(work).flatMap(([kind, count]) => (count > 0 ? [] : [`no ${kind}`])),
    ...(frames && frames.dropped > 0 ? [`${frames.dropped} sockets were closed: ${frames.reason}`] : []),
  ];
  const at = samples.map(({ minutes }) => minutes);
  return rows.map(({ key, name, unit, drift }, index) => {
    const { first, last } = drift(
      at,
      samples.map((sample) => sample[key]),
    );
    return judge({
      ...{ name, unit, target: { atMost: flat } },
      ours: [last],
      baseline: [first],
      ...(index === 0 && {
        failures,
        notes: {
          rate,
          ...work,
          ...(load && { requests: load.requests, skipped: load.skipped, p50Ms: load.p50, p99Ms: load.p99 }),
          ...(frames && {
            socketsOpened: frames.opened,
            frames: frames.frames,
            framesLateP99Ms: frames.p99,
            framesLateMaxMs: frames.max,
          }),
        },
      }),
    });
  });
}

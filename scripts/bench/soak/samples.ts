// Samples of the daemon's memory, files and handles during a soak test, in a bounded number however long it lasts. Used by
// soak.ts.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Daemon, loopDelayMs, type Metrics } from '../daemon.ts';
import { residentKb } from '../machine.ts';
import { median } from '../statistics.ts';

const maxSamples = 240;
/** Readings of one sample, at least a second and at most ten apart, as a monitoring system scrapes. */
const readingsWanted = 6;
const [leastEveryMs, mostEveryMs] = [1_000, 10_000];

export interface Sample {
  readonly minutes: number;
  readonly residentMb: number;
  /** The least of the readings: the nearest to what a collection of garbage leaves. */
  readonly heapMb: number;
  readonly externalMb: number;
  readonly openFds: number;
  /** Sockets, timers and requests that Node counts. */
  readonly resources: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  /** Of the store, the keys and the log. */
  readonly files: number;
  readonly filesMb: number;
}

interface Reading {
  readonly metrics: Metrics;
  readonly residentMb: number;
}

/** Samples until `over` resolves, and gives each to `onSample`. Rejects when the daemon does not answer. */
export async function sampleUntil(
  over: Promise<unknown>,
  { daemon, folder, minutes }: { readonly daemon: Daemon; readonly folder: string; readonly minutes: number },
  onSample: (sample: Sample) => Promise<void>,
): Promise<void> {
  const everyMs = Math.max(leastEveryMs, (minutes * 60_000) / maxSamples);
  const readEveryMs = Math.min(mostEveryMs, Math.max(leastEveryMs, everyMs / readingsWanted));
  const since = performance.now();
  const elapsed = (): number => performance.now() - since;
  const ended = over.then(() => true);
  let readings: Reading[] = [];
  let taken = 0;
  while (!(await Promise.race([ended, sleep(readEveryMs, false)]))) {
    readings.push({ metrics: await daemon.metrics(), residentMb: residentKb(daemon.child.pid) / 1_024 });
    if (elapsed() < (taken + 1) * everyMs) continue;
    taken = Math.floor(elapsed() / everyMs);
    await onSample({ minutes: elapsed() / 60_000, ...combine(readings), ...(await measureFolder(folder)) });
    readings = [];
  }
}

function combine(readings: readonly Reading[]): Omit<Sample, 'minutes' | 'files' | 'filesMb'> {
  const values = (name: string): number[] => readings.map(({ metrics }) => metrics.get(name) ?? Number.NaN);
  const mb = (bytes: number): number => bytes / 1_048_576;
  return {
    residentMb: median(readings.map(({ residentMb }) => residentMb)),
    heapMb: mb(Math.min(...values('nodejs_heap_size_used_bytes'))),
    externalMb: mb(median(values('nodejs_external_memory_bytes'))),
    openFds: median(values('process_open_fds')),
    resources: median(readings.map(({ metrics }) => countResources(metrics))),
    loopDelayP99Ms: median(readings.map(({ metrics }) => loopDelayMs(metrics, 'p99'))),
    loopDelayMaxMs: Math.max(...readings.map(({ metrics }) => loopDelayMs(metrics, 'max'))),
  };
}

function countResources(metrics: Metrics): number {
  return [...metrics]
    .filter(([name]) => name.startsWith('nodejs_active_resources{'))
    .reduce((sum, [, count]) => sum + count, 0);
}

async function measureFolder(folder: string): Promise<Pick<Sample, 'files' | 'filesMb'>> {
  let [files, bytes] = [0, 0];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // Files may be removed meanwhile.
    const { size } = await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }));
    files++;
    bytes += size;
  }
  return { files, filesMb: bytes / 1_048_576 };
}

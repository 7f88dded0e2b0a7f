// C11, the part of workers: `swob serve --workers 2` beside a single process. Two workers, their primary and the load would need four
// cores; here it is reckoned from the CPU of all their processes: how much they would do with two cores, and one with one. Used by shared.ts.

import { type Daemon, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { disconnectRequests } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import { childrenOf, cpuSeconds } from '../machine.ts';
import { startPhones } from '../phones.ts';
import type { Row } from '../report.ts';
import { inTurn } from '../rounds.ts';
import { median } from '../statistics.ts';
import { startUpstream } from '../upstreams.ts';

/** CPU microseconds of one operation: of all processes, and of the one that was started. */
interface Cost {
  readonly all: number;
  readonly primary: number;
}

/** Runs operations; resolves to their number. */
type Work = () => Promise<number>;

const workers = 2;
const users = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);

export async function workersRows(environment: BenchEnvironment): Promise<Row[]> {
  const upstream = await startUpstream(environment);
  const { requests, keyFile } = await disconnectRequests(
    await environment.folder(),
    environment.quick ? 500 : 5_000,
  );
  const settings = [
    ...upstream.settings.users,
    ...upstream.settings.pcrf,
    `validation.public_key=${keyFile}`,
  ];
  const services = ['gateway', 'sync', 'disconnect'] as const;
  const several = await startDaemon(environment, services, { settings, workers });
  const single = await startDaemon(environment, services, { settings });
  const pairing = async ({ urls }: Daemon): Promise<Work> => {
    const phones = await startPhones(environment, urls.gateway);
    return async () => (await phones.pair(environment.seconds, users)).requests;
  };
  const disconnecting = async ({ urls }: Daemon): Promise<Work> => {
    const load = { url: urls.disconnect, requests, seconds: environment.seconds };
    return async () => (await loadHttp(environment, load)).requests;
  };
  const rows: Row[] = [];
  for (const [name, workOf] of [
    ['pairings', pairing],
    ['disconnects', disconnecting],
  ] as const) {
    const [ours, baseline] = [await workOf(several), await workOf(single)];
    rows.push(
      await row(environment, `C11 ${name}, 2 workers, a core each`, [several, ours], [single, baseline]),
    );
  }
  await Promise.all([several, single, upstream].map(({ child }) => child.stop()));
  return rows;
}

async function row(
  environment: BenchEnvironment,
  name: string,
  [several, ours]: readonly [Daemon, Work],
  [single, baseline]: readonly [Daemon, Work],
): Promise<Row> {
  await costOf(several, ours);
  await costOf(single, baseline);
  const costs = await inTurn(
    environment.rounds,
    () => costOf(several, ours),
    () => costOf(single, baseline),
  );
  return {
    name,
    unit: '/s',
    // Until the one thread of the primary is saturated.
    ours: costs.ours.map(({ all, primary }) => Math.min((workers * 1e6) / all, 1e6 / primary)),
    baseline: costs.baseline.map(({ all }) => 1e6 / all),
    target: { atLeast: 1.6 },
    notes: {
      allMicroseconds: median(costs.ours.map(({ all }) => all)),
      primaryMicroseconds: median(costs.ours.map(({ primary }) => primary)),
      singleMicroseconds: median(costs.baseline.map(({ all }) => all)),
    },
  };
}

async function costOf({ child }: Daemon, work: Work): Promise<Cost> {
  const cpu = () => {
    const primary = cpuSeconds(child.pid);
    return { primary, all: childrenOf(child.pid).reduce((sum, pid) => sum + cpuSeconds(pid), primary) };
  };
  const before = cpu();
  const done = await work();
  const after = cpu();
  return {
    all: (1e6 * (after.all - before.all)) / done,
    primary: (1e6 * (after.primary - before.primary)) / done,
  };
}

// C11, the part of workers: `swob serve --workers 2` beside a single process. Two workers, their primary and the load would need four
// cores; here it is reckoned from the CPU of all their processes: how much they would do with two cores, and one with one. Used by shared.ts.
//
// Processes that take turns on a core evict each other's caches, and each is compiled by its own share of the load. Both are to be the same
// on both sides, so two single processes, which share nothing, do the work at the same time, each for half of the clients.

import { type Daemon, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { disconnectRequests } from '../fixtures.ts';
import { connections, loadHttp } from '../http-load.ts';
import { childrenOf, cpuSeconds } from '../machine.ts';
import { phonesAtOnce, startPhones } from '../phones.ts';
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
/** @param share of the clients */
type MakeWork = (daemon: Daemon, share: number) => Promise<Work>;

interface Side {
  readonly daemons: readonly Daemon[];
  readonly works: readonly Work[];
}

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
  const several = [await startDaemon(environment, services, { settings, workers })];
  const singles = [
    await startDaemon(environment, services, { settings }),
    await startDaemon(environment, services, { settings }),
  ];
  const pairing: MakeWork = async ({ urls }, share) => {
    const phones = await startPhones(environment, urls.gateway, phonesAtOnce * share);
    return async () => (await phones.pair(environment.seconds, users)).requests;
  };
  const disconnecting: MakeWork = async ({ urls }, share) => {
    const load = { url: urls.disconnect, requests, seconds: environment.seconds };
    return async () => (await loadHttp(environment, { ...load, connections: connections * share })).requests;
  };
  const rows: Row[] = [];
  for (const [name, workOf] of [
    ['pairings', pairing],
    ['disconnects', disconnecting],
  ] as const) {
    const ours = await divideWork(several, workOf);
    const baseline = await divideWork(singles, workOf);
    rows.push(await row(environment, `C11 ${name}, 2 workers, a core each`, ours, baseline));
  }
  await Promise.all([...several, ...singles, upstream].map(({ child }) => child.stop()));
  return rows;
}

/** The daemons do the work at the same time, each for its share of the clients. */
async function divideWork(daemons: readonly Daemon[], workOf: MakeWork): Promise<Side> {
  const works: Work[] = [];
  for (const daemon of daemons) works.push(await workOf(daemon, 1 / daemons.length));
  return { daemons, works };
}

async function row(environment: BenchEnvironment, name: string, ours: Side, baseline: Side): Promise<Row> {
  // Warms up.
  for (const side of [ours, baseline]) for (let round = 0; round < 2; round++) await costOf(side);
  const costs = await inTurn(
    environment.rounds,
    () => costOf(ours),
    () => costOf(baseline),
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

async function costOf({ daemons, works }: Side): Promise<Cost> {
  const cpu = () => {
    const started = daemons.map(({ child }) => child.pid);
    const others = started.flatMap(childrenOf);
    const primary = sumOf(started.map(cpuSeconds));
    return { primary, all: primary + sumOf(others.map(cpuSeconds)) };
  };
  const before = cpu();
  const done = sumOf(await Promise.all(works.map((work) => work())));
  const after = cpu();
  return {
    all: (1e6 * (after.all - before.all)) / done,
    primary: (1e6 * (after.primary - before.primary)) / done,
  };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

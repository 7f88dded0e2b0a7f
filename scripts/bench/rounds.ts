// Alternates rounds of swob and of the baseline, so that both see the same noise. Used by the benchmarks.

import type { BenchEnvironment } from './environment.ts';
import { type HttpLoad, type HttpResult, loadHttp } from './http-load.ts';
import { cpuSeconds } from './machine.ts';
import type { Child } from './processes.ts';
import type { Row } from './report.ts';
import { median, percentile } from './statistics.ts';

export interface Pair<Ours, Baseline = Ours> {
  readonly ours: readonly Ours[];
  readonly baseline: readonly Baseline[];
}

/** One at a time: ours, baseline, baseline, ours, … so that neither is always the first. */
export async function inTurn<Ours, Baseline = Ours>(
  rounds: number,
  ours: (round: number) => Promise<Ours>,
  baseline: (round: number) => Promise<Baseline>,
): Promise<Pair<Ours, Baseline>> {
  const pair: { ours: Ours[]; baseline: Baseline[] } = { ours: [], baseline: [] };
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) pair.ours.push(await ours(round));
    pair.baseline.push(await baseline(round));
    if (round % 2 === 1) pair.ours.push(await ours(round));
  }
  return pair;
}

interface Served extends HttpResult {
  /** Of the server: 1 is a whole core. Well below, something else was the limit, or took the core. */
  readonly cpu: number;
  readonly perCpuSecond: number;
}

/** One side of a comparison over HTTP. */
export interface Side {
  readonly server: Child;
  /** The load of a round; -1 is the warm-up. */
  load(round: number): Omit<HttpLoad, 'seconds'>;
  /** A response may take longer than a round: one request after another, until the last that began in time is answered. */
  readonly isSlow?: boolean;
}

/** A row of requests a second. The first round of each side, a short one, warms up and is not counted. */
export async function compareHttp(
  environment: BenchEnvironment,
  row: Pick<Row, 'name' | 'target'>,
  sides: { readonly ours: Side; readonly baseline: Side },
): Promise<Row> {
  const warmUp = Math.min(2, environment.seconds);
  const run = (side: Side, round: number, seconds: number): Promise<Served> =>
    serve(environment, side, round, seconds);
  await run(sides.ours, -1, warmUp);
  await run(sides.baseline, -1, warmUp);
  const { ours, baseline } = await inTurn(
    environment.rounds,
    (round) => run(sides.ours, round, environment.seconds),
    (round) => run(sides.baseline, round, environment.seconds),
  );
  return {
    ...row,
    unit: '/s',
    ours: ours.map((served) => served.perSecond),
    baseline: baseline.map((served) => served.perSecond),
    failures: [...describeFailures('ours', ours), ...describeFailures('baseline', baseline)],
    perCpuSecond: {
      ours: ours.map(({ perCpuSecond }) => perCpuSecond),
      baseline: baseline.map(({ perCpuSecond }) => perCpuSecond),
    },
    notes: {
      p50Ms: median(ours.map(({ p50 }) => p50)),
      p99Ms: median(ours.map(({ p99 }) => p99)),
      serverCpu: median(ours.map(({ cpu }) => cpu)),
      baselineCpu: median(baseline.map(({ cpu }) => cpu)),
    },
  };
}

async function serve(
  environment: BenchEnvironment,
  side: Side,
  round: number,
  seconds: number,
): Promise<Served> {
  const load = side.load(round);
  return withCpu(side.server, () =>
    side.isSlow ? requestInTurn({ ...load, seconds }) : loadHttp(environment, { ...load, seconds }),
  );
}

async function requestInTurn({ url, requests, seconds }: HttpLoad): Promise<HttpResult> {
  const times: number[] = [];
  let failed = 0;
  const since = performance.now();
  for (let began = since; began < since + seconds * 1_000; began = performance.now()) {
    const { method, path } = requests[times.length % requests.length] ?? { method: 'GET', path: '/' };
    const response = await fetch(`${url}${path}`, { method });
    await response.arrayBuffer();
    if (!response.ok) failed++;
    times.push(performance.now() - began);
  }
  const perSecond = times.length / ((performance.now() - since) / 1_000);
  return {
    perSecond,
    requests: times.length,
    failed,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
  };
}

/** What `work` resolves to, with the CPU that the process had meanwhile. */
export async function withCpu<T extends { readonly perSecond: number; readonly requests: number }>(
  server: Child,
  work: () => Promise<T>,
): Promise<T & Pick<Served, 'cpu' | 'perCpuSecond'>> {
  const before = cpuSeconds(server.pid);
  const result = await work();
  const used = cpuSeconds(server.pid) - before;
  // Not of the time from start to end, in which the load process also reads its requests.
  const seconds = result.requests / result.perSecond;
  return { ...result, cpu: used / seconds, perCpuSecond: result.requests / used };
}

function describeFailures(who: string, rounds: readonly Served[]): string[] {
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  const all = rounds.reduce((sum, round) => sum + round.requests, 0);
  return failed > 0 || all === 0 ? [`${who}: ${failed} of ${all} requests failed`] : [];
}

// C8: how long commands take compared with `node -e 0`, and how long a daemon takes until its first response.

import { spawnSync } from 'node:child_process';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { type BenchEnvironment, swobScript } from '../environment.ts';
import { cpuSeconds } from '../machine.ts';
import { plainEnvironment } from '../processes.ts';
import type { Row } from '../report.ts';
import { inTurn } from '../rounds.ts';
import { median } from '../statistics.ts';

/** Starts are short: three in each round of other benchmarks. */
const startsPerRound = 3;

export const startsBench: Bench = {
  id: 'C8',
  title: 'swob --version, swob seeds list --json, first response of swob serve',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync'], { role: 'load' });
    const list = [swobScript, 'seeds', 'list', '--json', '--url', daemon.urls.gateway];
    const rows = [
      await compare(environment, 'C8 swob --version', [swobScript, '--version'], 1.25),
      await compare(environment, 'C8 swob seeds list --json', list, 1.9),
    ];
    await daemon.child.stop();
    return [...rows, await firstResponse(environment)];
  },
};

/** Milliseconds of the clock and of CPU. */
interface Times {
  readonly wall: number;
  readonly cpu: number;
}

async function compare(
  environment: BenchEnvironment,
  name: string,
  args: readonly string[],
  atMost: number,
): Promise<Row> {
  const failures: string[] = [];
  const run = async (nodeArgs: readonly string[]): Promise<Times> => {
    const { status, ...times } = timeNode(environment, nodeArgs);
    if (status !== 0) failures.push(`${nodeArgs.join(' ')} ended with ${status}`);
    return times;
  };
  await run(args);
  const { ours, baseline } = await inTurn(
    environment.rounds * startsPerRound,
    () => run(args),
    () => run(['-e', '0']),
  );
  return {
    ...{ name, unit: 'ms', target: { atMost }, failures },
    ours: ours.map(({ wall }) => wall),
    baseline: baseline.map(({ wall }) => wall),
    perCpuSecond: { ours: ours.map(({ cpu }) => cpu), baseline: baseline.map(({ cpu }) => cpu) },
  };
}

/** By bash, which tells the CPU time of what it has run in milliseconds; Node does not. */
function timeNode({ machine, node }: BenchEnvironment, args: readonly string[]) {
  const [command, placed] = machine.place('server', node, args);
  const script = `TIMEFORMAT='%3R %3U %3S'; time "$@" >/dev/null 2>&1`;
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', command, ...placed], {
    encoding: 'utf8',
    env: { ...plainEnvironment(), LC_ALL: 'C' },
  });
  const [wall = Number.NaN, user = Number.NaN, system = Number.NaN] = (stderr ?? '')
    .trim()
    .split(' ')
    .map(Number);
  return { status, wall: 1_000 * wall, cpu: 1_000 * (user + system) };
}

/** From the start of the process to its response to `GET /seeds`. */
async function firstResponse(environment: BenchEnvironment): Promise<Row> {
  const folder = await environment.folder();
  const measure = async (): Promise<Times> => {
    const since = performance.now();
    const { child, urls } = await startDaemon(environment, ['gateway', 'sync'], { folder });
    await (await fetch(`${urls.gateway}/seeds`)).text();
    const times = { wall: performance.now() - since, cpu: 1_000 * cpuSeconds(child.pid) };
    await child.stop();
    return times;
  };
  // The first start also makes keys.
  await measure();
  const times: Times[] = [];
  for (let round = 0; round < environment.rounds; round++) times.push(await measure());
  return {
    ...{ name: 'C8 swob serve, first response', unit: 'ms', target: { oursAtMost: 600 }, baseline: [] },
    ours: times.map(({ wall }) => wall),
    perCpuSecond: { ours: times.map(({ cpu }) => cpu), baseline: [] },
    notes: { cpuMs: median(times.map(({ cpu }) => cpu)) },
  };
}

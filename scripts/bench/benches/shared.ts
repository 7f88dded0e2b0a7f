// C11: two workers of a process beside a single process, and two nodes on one Redis beside one. Three processes that are all busy need three cores, and the load some more;
// here it is reckoned from the CPU that each takes: how much they would do with a core each.

import type { Bench } from '../bench.ts';
import { type Daemon, startDaemon } from '../daemon.ts';
import type { BenchEnvironment } from '../environment.ts';
import { pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import { cpuSeconds } from '../machine.ts';
import { type BenchRedis, hasRedis, startRedis } from '../redis.ts';
import type { Row } from '../report.ts';
import { inTurn } from '../rounds.ts';
import { startSockets } from '../socket-clients.ts';
import { median } from '../statistics.ts';
import { workersRows } from './workers.ts';

/** CPU microseconds of one operation: of all nodes together, and of Redis. */
interface Cost {
  readonly nodes: number;
  readonly redis: number;
}

/** Runs operations at every node concurrently; resolves to their number. */
type Work = (nodes: readonly Daemon[], round: number) => Promise<number>;

export const sharedBench: Bench = {
  id: 'C11',
  title: 'two workers, and two nodes on one Redis',
  run: async (environment) => {
    const rowsOfWorkers = await workersRows(environment);
    if (!hasRedis()) {
      environment.reportProgress('C11 needs redis-server for two nodes');
      return rowsOfWorkers;
    }
    const redis = await startRedis(environment);
    const settings = [`store.url=${redis.url}`];
    const folder = await environment.folder();
    // Sequentially, in one folder: the second uses the keys of the first.
    const first = await startDaemon(environment, ['gateway', 'sync'], { folder, settings });
    const second = await startDaemon(environment, ['gateway', 'sync'], { folder, settings });
    const rows = [
      ...rowsOfWorkers,
      await row(environment, 'C11 pings, a core each', { redis, first, second }, pingAll(environment)),
      await row(
        environment,
        'C11 sockets opened, a core each',
        { redis, first, second },
        openAll(environment),
      ),
    ];
    await Promise.all([first.child.stop(), second.child.stop(), redis.child.stop()]);
    return rows;
  },
};

async function row(
  environment: BenchEnvironment,
  name: string,
  { redis, first, second }: { redis: BenchRedis; first: Daemon; second: Daemon },
  work: Work,
): Promise<Row> {
  const measure = (nodes: readonly Daemon[], round: number) => costOf(nodes, redis, () => work(nodes, round));
  await measure([first, second], -1);
  const { ours, baseline } = await inTurn(
    environment.rounds,
    (round) => measure([first, second], round),
    (round) => measure([first], round),
  );
  return {
    name,
    unit: '/s',
    ours: ours.map((cost) => perSecond(2, cost)),
    baseline: baseline.map((cost) => perSecond(1, cost)),
    target: { atLeast: 1.6 },
    notes: {
      nodeMicroseconds: median(ours.map(({ nodes }) => nodes)),
      redisMicroseconds: median(ours.map((cost) => cost.redis)),
    },
  };
}

/** Operations a second of that many nodes, each with its own core, until Redis' one thread is saturated. */
function perSecond(nodes: number, cost: Cost): number {
  return Math.min((nodes * 1e6) / cost.nodes, 1e6 / cost.redis);
}

async function costOf(
  nodes: readonly Daemon[],
  redis: BenchRedis,
  work: () => Promise<number>,
): Promise<Cost> {
  const cpu = () => ({
    nodes: nodes.reduce((sum, { child }) => sum + cpuSeconds(child.pid), 0),
    redis: cpuSeconds(redis.child.pid),
  });
  const before = cpu();
  const done = await work();
  const after = cpu();
  return {
    nodes: (1e6 * (after.nodes - before.nodes)) / done,
    redis: (1e6 * (after.redis - before.redis)) / done,
  };
}

function pingAll(environment: BenchEnvironment): Work {
  const requests = pings(1_000);
  return async (nodes) => {
    const results = await Promise.all(
      nodes.map(({ urls }) =>
        loadHttp(environment, { url: urls.gateway, requests, seconds: environment.seconds }),
      ),
    );
    return results.reduce((sum, result) => sum + result.requests, 0);
  };
}

/** Opens and closes a session with its websocket and subscription. */
function openAll(environment: BenchEnvironment): Work {
  const count = environment.quick ? 200 : 2_000;
  return async (nodes) => {
    await Promise.all(
      nodes.map(async ({ urls }) => {
        const sockets = await startSockets(environment, [urls.gateway, '-']);
        await sockets.open(count / nodes.length);
        await sockets.close();
        await sockets.child.stop();
      }),
    );
    return count;
  };
}

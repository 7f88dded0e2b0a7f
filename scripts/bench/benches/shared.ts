// C11: two workers of a process beside a single process (workers.ts), and two nodes on one Redis beside one. Three processes that are all busy need three cores, and the load some more;
// here it is reckoned from the CPU that each takes: how much they would do with a core each.
//
// As for workers, the baseline is one of two nodes that share nothing and take turns on the core at the same time, because processes on one core evict each other's caches.

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
type Work = (nodes: readonly Daemon[]) => Promise<number>;

interface Nodes {
  readonly redis: BenchRedis;
  /** Two that share everything. */
  readonly several: readonly Daemon[];
  /** Two that have only the Redis in common, each with a prefix and keys of its own. */
  readonly singles: readonly Daemon[];
}

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
    const start = (prefix: string, folder: string): Promise<Daemon> => {
      const settings = [`store.url=${redis.url}`, `store.prefix=${prefix}`];
      return startDaemon(environment, ['gateway', 'sync'], { folder, settings });
    };
    const folder = await environment.folder();
    // Sequentially: the second of one folder uses the keys of the first.
    const several = [await start('shared', folder), await start('shared', folder)];
    const singles = [
      await start('one', await environment.folder()),
      await start('other', await environment.folder()),
    ];
    const nodes: Nodes = { redis, several, singles };
    const rows = [
      ...rowsOfWorkers,
      await row(environment, 'C11 pings, 2 nodes, a core each', nodes, pingAll(environment)),
      await row(environment, 'C11 sockets opened, 2 nodes, a core each', nodes, openAll(environment)),
    ];
    await Promise.all([...several, ...singles, redis].map(({ child }) => child.stop()));
    return rows;
  },
};

async function row(
  environment: BenchEnvironment,
  name: string,
  { redis, several, singles }: Nodes,
  work: Work,
): Promise<Row> {
  const measure = (nodes: readonly Daemon[]) => costOf(nodes, redis, () => work(nodes));
  // Warms up.
  for (const nodes of [several, singles]) for (let round = 0; round < 2; round++) await measure(nodes);
  const { ours, baseline } = await inTurn(
    environment.rounds,
    () => measure(several),
    () => measure(singles),
  );
  return {
    name,
    unit: '/s',
    ours: ours.map((cost) => perSecond(2, cost)),
    baseline: baseline.map((cost) => perSecond(1, cost)),
    target: { atLeast: 1.6 },
    notes: {
      nodeMicroseconds: median(ours.map(({ nodes }) => nodes)),
      singleMicroseconds: median(baseline.map(({ nodes }) => nodes)),
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

// A real Redis Cluster: three masters with a replica each.

import { vi } from 'vitest';
import { freePorts } from './ports.ts';
import { forFile } from './redis.ts';
import { prepareRedis, type RedisServer, redisHost, retried } from './redis-server.ts';

const masters = 3;
const slots = 16_384;
const readyMs = 30_000;
/** Of a cluster that does not fail over: masters stay, however long a busy machine holds up one of them. */
const steadyTimeoutMs = 300_000;

export interface RedisCluster {
  /** `redis+cluster://127.0.0.1:40001,…`: the three that were masters first. */
  readonly url: string;
  readonly servers: readonly RedisServer[];
  /** The current master of the key. */
  masterOf(key: string): Promise<RedisServer>;
  /** Every slot has a master, each with one replica that is up to date. */
  ready(): Promise<void>;
  /** Starts what does not run, and waits for that. */
  repair(): Promise<void>;
}

/**
 * One cluster for all tests of a file, which restore what they break. Skipped or failed as with `redisForFile`. Without `failover`
 * no replica takes over.
 */
export function clusterForFile({ failover = false } = {}): () => RedisCluster {
  return forFile('Redis Cluster', () => retried(() => prepare(failover)));
}

async function prepare(
  failover: boolean,
): Promise<RedisCluster & { start(): Promise<void>; stop(): Promise<void> }> {
  const ports = await freePorts(4 * masters);
  const nodes = ports.slice(0, 2 * masters).map((port, index) => {
    const busPort = ports[2 * masters + index] ?? 0;
    const args = [
      ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '1000'],
      ...['--repl-diskless-sync-delay', '0'],
    ];
    return { busPort, server: prepareRedis(port, { args }) };
  });
  const servers = nodes.map(({ server }) => server);

  /** Lines of CLUSTER NODES of the first node that responds, split into words. */
  const view = async (): Promise<string[][]> => {
    const replies = servers.map((server) => server.call('cluster', 'nodes'));
    const text = await Promise.any(replies);
    return text.split('\n').map((line) => line.split(' '));
  };
  const checkReady = async (): Promise<void> => {
    for (const server of servers) {
      const info = await server.call('cluster', 'info');
      if (!/cluster_state:ok/.test(info) || !info.includes(`cluster_known_nodes:${servers.length}`))
        throw new Error('the nodes do not know each other yet');
      const role = await server.call('role');
      // A master with its one replica, or a replica that follows.
      if (!/^master\n\d+\n127|\nconnected/.test(role)) throw new Error(`not in step yet: ${role}`);
    }
    const lines = await view();
    if (lines.some(([, , flags]) => /fail|handshake/.test(flags ?? ''))) throw new Error('some are down');
    if (lines.filter(([, , flags]) => flags?.includes('slave')).length !== masters)
      throw new Error('replicas');
  };
  const ready = (): Promise<void> => vi.waitFor(checkReady, { timeout: readyMs, interval: 100 });

  /** By hand: redis-cli's `--cluster create` sleeps for seconds. */
  const create = async (): Promise<void> => {
    const ids = await Promise.all(servers.map((server) => server.call('cluster', 'myid')));
    const [first, ...others] = nodes;
    for (const [index, server] of servers.entries()) {
      await server.call('cluster', 'set-config-epoch', String(index + 1));
      if (index >= masters) continue;
      const from = Math.floor((index * slots) / masters);
      const to = Math.floor(((index + 1) * slots) / masters) - 1;
      await server.call('cluster', 'addslotsrange', String(from), String(to));
    }
    for (const { server, busPort } of others) {
      await first?.server.call('cluster', 'meet', redisHost, String(server.port), String(busPort));
    }
    await Promise.all(
      servers.slice(masters).map((server, index) =>
        vi.waitFor(() => server.call('cluster', 'replicate', ids[index] ?? ''), {
          timeout: readyMs,
          interval: 50,
        }),
      ),
    );
  };

  return {
    url: `redis+cluster://${servers
      .slice(0, masters)
      .map(({ port }) => `${redisHost}:${port}`)
      .join(',')}`,
    servers,
    masterOf: async (key) => {
      const slot = Number(await Promise.any(servers.map((server) => server.call('cluster', 'keyslot', key))));
      const line = (await view()).find(([, , flags = '', , , , , , ...ranges]) => {
        const has = (range: string) => {
          const [from = '', to = from] = range.split('-');
          return Number(from) <= slot && slot <= Number(to);
        };
        return flags.includes('master') && !/\bfail\b/.test(flags) && ranges.some(has);
      });
      const port = Number(/:(\d+)@/.exec(line?.[1] ?? '')?.[1]);
      const found = servers.find((server) => server.port === port);
      if (!found) throw new Error(`no master has slot ${slot}`);
      return found;
    },
    ready,
    repair: async () => {
      for (const server of servers) {
        server.thaw();
        await server.call('ping').catch(() => server.restart());
      }
      await ready();
    },
    start: async () => {
      await Promise.all(servers.map((server) => server.start()));
      await create();
      await ready();
      if (failover) return;
      for (const server of servers)
        await server.call('config', 'set', 'cluster-node-timeout', String(steadyTimeoutMs));
    },
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

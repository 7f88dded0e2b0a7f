// A real Redis with one replica and three Sentinels that detect a lost master within two seconds.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { endChild } from './children.ts';
import { freePorts } from './ports.ts';
import { forFile } from './redis.ts';
import { callRedis } from './redis-call.ts';
import { prepareRedis, type RedisServer, redisHost, retried, spawnReady } from './redis-server.ts';

const masterName = 'swob-test';
const readyMs = 30_000;

export interface RedisSentinels {
  /** `redis+sentinel://127.0.0.1:40003,127.0.0.1:40004,127.0.0.1:40005/swob-test` */
  readonly url: string;
  /** The server that is the current master according to the Sentinels. */
  master(): Promise<RedisServer>;
  /** The other one. */
  replica(): Promise<RedisServer>;
  /** Both run, the replica has what the master has, and the Sentinels know both. */
  ready(): Promise<void>;
  /** Starts what does not run, and waits until `ready`. */
  repair(): Promise<void>;
  /** Has the Sentinels swap the two while both run, and waits for it. */
  failover(): Promise<void>;
}

/** One set for all tests of a file, which restore what they break. Skipped or failed as with `redisForFile`. */
export function sentinelForFile(): () => RedisSentinels {
  return forFile('Redis with Sentinels', () => retried(prepare));
}

async function prepare(): Promise<RedisSentinels & { start(): Promise<void>; stop(): Promise<void> }> {
  const [first = 0, second = 0, ...sentinelPorts] = await freePorts(5);
  const servers = [
    prepareRedis(first),
    prepareRedis(second, {
      args: ['--replicaof', `${redisHost} ${first}`, '--repl-diskless-sync-delay', '0'],
    }),
  ] as const;
  const folder = mkdtempSync(join(tmpdir(), 'swob-sentinel-'));
  const sentinels: ChildProcess[] = [];

  const call = (port: number, ...words: string[]): Promise<string> => callRedis({ port }, words);
  const startSentinel = async (port: number): Promise<void> => {
    const file = join(folder, `${port}.conf`);
    writeFileSync(
      file,
      [
        `port ${port}`,
        `bind ${redisHost}`,
        `dir ${folder}`,
        `sentinel monitor ${masterName} ${redisHost} ${first} 2`,
        // With less, a master on a busy machine would count as lost.
        `sentinel down-after-milliseconds ${masterName} 1500`,
        `sentinel failover-timeout ${masterName} 1000`,
      ].join('\n'),
    );
    sentinels.push(await spawnReady('redis-server', [file, '--sentinel'], () => call(port, 'ping')));
    // By default they discover each other every 2 s and replicas every 10 s.
    const periods = [
      'info-period',
      '200',
      'ask-period',
      '200',
      'publish-period',
      '200',
      'ping-period',
      '100',
    ];
    await call(port, 'sentinel', 'debug', ...periods);
  };
  const masterPort = async (): Promise<number> => {
    const [port = 0] = sentinelPorts;
    return Number((await call(port, 'sentinel', 'get-master-addr-by-name', masterName)).split('\n')[1]);
  };
  const roles = async (): Promise<[RedisServer, RedisServer]> => {
    const port = await masterPort();
    return servers[0].port === port ? [servers[0], servers[1]] : [servers[1], servers[0]];
  };
  const checkReady = async (): Promise<void> => {
    const [master, replica] = await roles();
    if (!(await master.call('role')).startsWith('master')) throw new Error('no master yet');
    if (!(await replica.call('role')).includes('\nconnected')) throw new Error('no replica yet');
    for (const port of sentinelPorts) {
      const lines = (await call(port, 'sentinel', 'master', masterName)).split('\n');
      const value = (name: string) => lines[lines.indexOf(name) + 1];
      if (value('flags') !== 'master' || value('num-slaves') !== '1' || value('num-other-sentinels') !== '2')
        throw new Error(`not yet: ${lines.join(' ')}`);
      if (value('port') !== String(master.port)) throw new Error('they disagree');
      const replicas = await call(port, 'sentinel', 'replicas', masterName);
      if (!replicas.includes('\nmaster-link-status\nok\n') || !replicas.includes('\nflags\nslave\n'))
        throw new Error('they do not know the replica yet');
    }
  };
  const ready = (): Promise<void> => vi.waitFor(checkReady, { timeout: readyMs, interval: 100 });

  return {
    url: `redis+sentinel://${sentinelPorts.map((port) => `${redisHost}:${port}`).join(',')}/${masterName}`,
    master: async () => (await roles())[0],
    replica: async () => (await roles())[1],
    ready,
    repair: async () => {
      for (const server of servers) {
        server.thaw();
        await server.call('ping').catch(() => server.restart());
      }
      await ready();
    },
    failover: async () => {
      const before = await masterPort();
      const [port = 0] = sentinelPorts;
      await call(port, 'sentinel', 'failover', masterName);
      await vi.waitFor(
        async () => {
          if ((await masterPort()) === before) throw new Error('not yet');
        },
        { timeout: readyMs },
      );
    },
    start: async () => {
      await Promise.all(servers.map((server) => server.start()));
      await Promise.all(sentinelPorts.map(startSentinel));
      await ready();
    },
    stop: async () => {
      await Promise.all([...sentinels.map(endChild), ...servers.map((server) => server.stop())]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// The real HAProxy with confs/balancer/haproxy.cfg, in which only addresses, ports and places are exchanged.

import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { startProcess } from './binary.ts';
import { makeCertificate } from './certificates.ts';
import { freePorts } from './ports.ts';

export interface NodePorts {
  readonly gateway: number;
  readonly sync: number;
  readonly disconnect: number;
}

/** What has to be known before the nodes start. */
export interface PreparedHaproxy {
  /** `https://127.0.0.1:40001` */
  readonly gateway: string;
  /** `wss://127.0.0.1:40002` */
  readonly sync: string;
  readonly disconnect: string;
  /** Resolves when it serves; it ends with the test. */
  start(): Promise<Haproxy>;
}

interface Haproxy {
  /** A line of its runtime API; its answer. */
  tell(line: string): Promise<string>;
  /** Resolves when it sends requests to these servers of a backend, and to no other. */
  serves(backend: 'gateway' | 'sync' | 'disconnect', names: readonly string[]): Promise<void>;
}

/** `nodes`: those in the place of node1, node2 and node3 of the file. */
export async function prepareHaproxy(folder: string, nodes: readonly NodePorts[]): Promise<PreparedHaproxy> {
  const [gateway = 0, sync = 0, disconnect = 0] = await freePorts(3);
  const { crt, key } = makeCertificate(folder, 'balancer', 90, '127.0.0.1');
  const pem = join(folder, 'balancer.pem');
  writeFileSync(pem, readFileSync(crt, 'utf8') + readFileSync(key, 'utf8'));
  const socket = join(folder, 'haproxy.sock');
  const file = join(folder, 'haproxy.cfg');
  const exchanged: [printed: string, here: string][] = [
    ['/etc/haproxy/swob.pem', pem],
    ['/run/haproxy/admin.sock', socket],
    ['    user haproxy\n    group haproxy\n', ''],
    // Who runs this may not be allowed more open files.
    ['maxconn 130000', 'maxconn 300'],
    ['bind :443 ', `bind 127.0.0.1:${gateway} `],
    ['bind :6996 ', `bind 127.0.0.1:${sync} `],
    ['bind :9096\n', `bind 127.0.0.1:${disconnect}\n`],
    ...nodes.flatMap((ports, index): [string, string][] => [
      [`10.0.0.1${index + 1}:6969`, `127.0.0.1:${ports.gateway}`],
      [`10.0.0.1${index + 1}:6996`, `127.0.0.1:${ports.sync}`],
      [`10.0.0.1${index + 1}:9096`, `127.0.0.1:${ports.disconnect}`],
    ]),
  ];
  let config = readFileSync('confs/balancer/haproxy.cfg', 'utf8');
  for (const [printed, here] of exchanged) {
    if (!config.includes(printed)) throw new Error(`haproxy.cfg does not say ${printed}`);
    config = config.replaceAll(printed, here);
  }
  writeFileSync(file, config);

  const tell = (line: string): Promise<string> => {
    const api = connect(socket);
    api.end(`${line}\n`);
    return text(api);
  };
  const serves: Haproxy['serves'] = (backend, names) =>
    vi.waitFor(
      async () => {
        const rows = (await tell('show stat')).split('\n').map((line) => line.split(','));
        const status = rows[0]?.indexOf('status') ?? 0;
        const up = rows
          .filter((row) => row[0] === backend && row[status]?.startsWith('UP'))
          .map((row) => row[1]);
        const found = up.filter((name) => name !== 'BACKEND').sort();
        if (found.join() !== [...names].sort().join()) throw new Error(`${backend} is served by ${found}`);
      },
      { timeout: 20_000, interval: 50 },
    );
  return {
    gateway: `https://127.0.0.1:${gateway}`,
    sync: `wss://127.0.0.1:${sync}`,
    disconnect: `http://127.0.0.1:${disconnect}`,
    start: async () => {
      const running = startProcess('haproxy', ['-db', '-f', file], { cwd: folder });
      const ended = running.exit.then(() => {
        throw new Error(`haproxy ended: ${running.stderr()}`);
      });
      ended.catch(() => {});
      await Promise.race([ended, vi.waitFor(() => tell('show info'), { timeout: 20_000, interval: 50 })]);
      return { tell, serves };
    },
  };
}

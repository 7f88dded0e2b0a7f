// The real HAProxy with confs/balancer/haproxy.cfg.

import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { vi } from 'vitest';
import { type NodePorts, type PreparedBalancer, writeBalancerFile } from './balancer-file.ts';
import { startProcess } from './binary.ts';

type Backend = 'gateway' | 'sync' | 'disconnect';

export interface Haproxy {
  /** Sends a line to the runtime API and returns the response. */
  sendCommand(line: string): Promise<string>;
  /** Resolves when it sends requests to these servers of a backend, and to no other. */
  serves(backend: Backend | `${Backend}_anyway`, names: readonly string[]): Promise<void>;
}

export async function prepareHaproxy(
  folder: string,
  nodes: readonly NodePorts[],
): Promise<PreparedBalancer<Haproxy>> {
  const socket = join(folder, 'haproxy.sock');
  const { file, ...urls } = await writeBalancerFile(folder, 'haproxy.cfg', nodes, (ports, pem) => [
    ['/etc/haproxy/swob.pem', pem],
    ['/run/haproxy/admin.sock', socket],
    ['    user haproxy\n    group haproxy\n', ''],
    // The user may not be allowed more open files.
    ['maxconn 130000', 'maxconn 300'],
    ['bind :443 ', `bind 127.0.0.1:${ports.gateway} `],
    ['bind :6996 ', `bind 127.0.0.1:${ports.sync} `],
    ['bind :9096\n', `bind 127.0.0.1:${ports.disconnect}\n`],
  ]);
  const sendCommand = (line: string): Promise<string> => {
    const api = connect(socket);
    api.end(`${line}\n`);
    return text(api);
  };
  const serves: Haproxy['serves'] = (backend, names) =>
    vi.waitFor(
      async () => {
        const rows = (await sendCommand('show stat')).split('\n').map((line) => line.split(','));
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
    ...urls,
    start: async () => {
      const running = startProcess('haproxy', ['-db', '-f', file], { cwd: folder });
      const ended = running.exit.then(() => {
        throw new Error(`haproxy ended: ${running.stderr()}`);
      });
      ended.catch(() => {});
      await Promise.race([
        ended,
        vi.waitFor(() => sendCommand('show info'), { timeout: 20_000, interval: 50 }),
      ]);
      return { sendCommand, serves };
    },
  };
}

// The real nginx with confs/balancer/nginx.conf.

import { join } from 'node:path';
import { vi } from 'vitest';
import { type NodePorts, type PreparedBalancer, writeBalancerFile } from './balancer-file.ts';
import { startProcess } from './binary.ts';
import { get } from './phone.ts';

interface Nginx {
  /** nginx detects failed nodes by failed requests and does not report it, so a test cannot wait for it. */
  serves(): Promise<void>;
}

export async function prepareNginx(
  folder: string,
  nodes: readonly NodePorts[],
): Promise<PreparedBalancer<Nginx>> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(' ');
  const { file, ...urls } = await writeBalancerFile(folder, 'nginx.conf', nodes, (ports, pem) => [
    ['/etc/nginx/swob.pem', pem],
    ['user www-data;\n', ''],
    ['/run/nginx.pid', join(folder, 'nginx.pid')],
    ['/var/log/nginx/', `${folder}/`],
    // Debian's own are root's.
    ['server_tokens off;', `server_tokens off; ${temporary}`],
    // The user may not be allowed more open files.
    ['worker_rlimit_nofile 262144;\n', ''],
    ['worker_connections 65536;', 'worker_connections 400;'],
    ['listen 443 ', `listen 127.0.0.1:${ports.gateway} `],
    ['listen 6996 ', `listen 127.0.0.1:${ports.sync} `],
    ['listen 9096;', `listen 127.0.0.1:${ports.disconnect};`],
  ]);
  return {
    ...urls,
    start: async () => {
      // One process, so that none is left when it is killed.
      const args = ['-p', folder, '-c', file, '-g', 'daemon off; master_process off;'];
      const running = startProcess('nginx', args, { cwd: folder });
      const ended = running.exit.then(() => {
        throw new Error(`nginx ended: ${running.stderr()}`);
      });
      ended.catch(() => {});
      const responds = vi.waitFor(() => get(`${urls.gateway}/livez`), { timeout: 20_000, interval: 50 });
      await Promise.race([ended, responds]);
      return { serves: async () => {} };
    },
  };
}

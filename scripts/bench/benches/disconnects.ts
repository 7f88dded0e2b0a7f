// C6: disconnects with RS256 tokens, beside a server of fastify and jsonwebtoken with the same stub PCRF and a durable
// audit line; and beside one that keeps swob's limits and checks, too.

import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { type Server, startServer } from '../environment.ts';
import { disconnectRequests } from '../fixtures.ts';
import type { Row } from '../report.ts';
import { compareHttp } from '../rounds.ts';
import { startUpstream } from '../upstreams.ts';

/** Concurrent calls to the PCRF; the default of swob. */
export const poolSize = '20';

export const disconnectsBench: Bench = {
  id: 'C6',
  title: 'GET /disconnect, RS256, stub PCRF',
  run: async (environment) => {
    const upstream = await startUpstream(environment);
    const { requests, keyFile } = await disconnectRequests(
      await environment.folder(),
      environment.quick ? 500 : 5_000,
    );
    const daemon = await startDaemon(environment, ['disconnect'], {
      settings: [...upstream.settings.pcrf, `validation.public_key=${keyFile}`],
    });
    const startBaseline = async (script: string): Promise<Server> => {
      const auditFile = join(await environment.folder(), 'audit-of-baseline');
      return startServer(environment, 'server', script, [upstream.url, poolSize, keyFile, auditFile]);
    };
    const fair = await startBaseline('fair-disconnects');
    const checked = await startBaseline('checked-disconnects');
    const compare = (name: string, { child, url }: Server): Promise<Row> =>
      compareHttp(
        environment,
        { name, target: { atLeast: 0.7 } },
        {
          ours: { server: daemon.child, load: () => ({ url: daemon.urls.disconnect, requests }) },
          baseline: { server: child, load: () => ({ url, requests }) },
        },
      );
    const row = await compare('C6 disconnect', fair);
    const withChecks = await compare('C6 disconnect, limits and checks in both', checked);
    const { disconnected } = await upstream.counts();
    const failures = [...(row.failures ?? []), ...(disconnected > 0 ? [] : ['the PCRF was never asked'])];
    await Promise.all([daemon, fair, checked, upstream].map(({ child }) => child.stop()));
    return [{ ...row, failures }, withChecks];
  },
};

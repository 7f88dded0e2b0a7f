// C6: disconnects with RS256 tokens, beside a server of fastify and jsonwebtoken with the same stub PCRF and a durable
// audit line.

import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import { disconnectRequests } from '../fixtures.ts';
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
    const fair = await startServer(environment, 'server', 'fair-disconnects', [
      upstream.url,
      poolSize,
      keyFile,
      join(await environment.folder(), 'audit-of-baseline'),
    ]);
    const row = await compareHttp(
      environment,
      { name: 'C6 disconnect', target: { atLeast: 0.7 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.disconnect, requests }) },
        baseline: { server: fair.child, load: () => ({ url: fair.url, requests }) },
      },
    );
    const { disconnected } = await upstream.counts();
    const failures = [...(row.failures ?? []), ...(disconnected > 0 ? [] : ['the PCRF was never asked'])];
    await Promise.all([daemon.child, fair.child, upstream.child].map((child) => child.stop()));
    return [{ ...row, failures }];
  },
};

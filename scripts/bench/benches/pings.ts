// C1: POST /seeds/ping of many seeds, beside a server of fastify that checks the same and keeps them in a Map.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import { pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import { compareHttp } from '../rounds.ts';

export const pingsBench: Bench = {
  id: 'C1',
  title: 'POST /seeds/ping, 1,000 seeds',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const fair = await startServer(environment, 'server', 'fair-pings');
    const requests = pings(1_000);
    // Creating seeds writes to disk one by one, which is not what is measured.
    await loadHttp(environment, { url: daemon.urls.gateway, requests, once: true, seconds: 15 });
    const row = await compareHttp(
      environment,
      { name: 'C1 POST /seeds/ping', target: { atLeast: 0.85 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
        baseline: { server: fair.child, load: () => ({ url: fair.url, requests }) },
      },
    );
    await Promise.all([daemon.child.stop(), fair.child.stop()]);
    return [row];
  },
};

// B1: POST /seeds/ping of many seeds, beside a bare server that parses and checks the same.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import { pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import { compareHttp } from '../rounds.ts';

export const pingsBench: Bench = {
  id: 'B1',
  title: 'POST /seeds/ping, 1,000 seeds',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const bare = await startServer(environment, 'server', 'bare-http', ['ping']);
    const requests = pings(1_000);
    // Creating seeds writes to disk one by one, which is not what is measured.
    await loadHttp(environment, { url: daemon.urls.gateway, requests, once: true, seconds: 10 });
    const row = await compareHttp(
      environment,
      { name: 'B1 POST /seeds/ping', target: { atLeast: 0.7 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
        baseline: { server: bare.child, load: () => ({ url: bare.url, requests }) },
      },
    );
    await Promise.all([daemon.child.stop(), bare.child.stop()]);
    return [row];
  },
};

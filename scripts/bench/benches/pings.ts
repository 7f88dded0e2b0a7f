// B1: POST /seeds/ping of many seeds, beside a bare server that parses and checks the same.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import { startServer } from '../lab.ts';
import { compareHttp } from '../rounds.ts';

export const pingsBench: Bench = {
  id: 'B1',
  title: 'POST /seeds/ping, 1,000 seeds',
  run: async (lab) => {
    const daemon = await startDaemon(lab, ['gateway', 'sync']);
    const bare = await startServer(lab, 'server', 'bare-http', ['ping']);
    const requests = pings(1_000);
    // New seeds go to disk one by one, which is not what is measured.
    await loadHttp(lab, { url: daemon.urls.gateway, requests, once: true, seconds: 10 });
    const row = await compareHttp(
      lab,
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

// C1: POST /seeds/ping of many seeds, beside a server of fastify with the same schema that keeps them in a Map; and beside one that
// keeps swob's limits, checks and file, too.

import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { type Server, startServer } from '../environment.ts';
import { pings } from '../fixtures.ts';
import { loadHttp } from '../http-load.ts';
import type { Row } from '../report.ts';
import { compareHttp } from '../rounds.ts';

export const pingsBench: Bench = {
  id: 'C1',
  title: 'POST /seeds/ping, 1,000 seeds',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const fair = await startServer(environment, 'server', 'fair-pings');
    const file = join(await environment.folder(), 'seeds-of-baseline');
    const checked = await startServer(environment, 'server', 'checked-pings', [file]);
    const requests = pings(1_000);
    // Creating seeds writes to disk one by one, which is not what is measured.
    await loadHttp(environment, { url: daemon.urls.gateway, requests, once: true, seconds: 15 });
    const compare = (name: string, { child, url }: Server): Promise<Row> =>
      compareHttp(
        environment,
        { name, target: { atLeast: 0.85 } },
        {
          ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
          baseline: { server: child, load: () => ({ url, requests }) },
        },
      );
    const row = await compare('C1 POST /seeds/ping', fair);
    const withChecks = await compare('C1 POST /seeds/ping, limits and checks in both', checked);
    await Promise.all([daemon, fair, checked].map(({ child }) => child.stop()));
    return [row, withChecks];
  },
};

// B3: new sessions, beside a bare server that answers a GET with a line.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import type { HttpRequest } from '../http-load.ts';
import { compareHttp } from '../rounds.ts';

export const sessionsBench: Bench = {
  id: 'B3',
  title: 'GET /v2/sync/users/<user>, 1,000 users',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const bare = await startServer(environment, 'server', 'bare-http', ['get']);
    const requests = Array.from(
      { length: 1_000 },
      (_, index): HttpRequest => ({ method: 'GET', path: `/v2/sync/users/user-${index}` }),
    );
    const row = await compareHttp(
      environment,
      { name: 'B3 new session', target: { atLeast: 0.6 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
        baseline: { server: bare.child, load: () => ({ url: bare.url, requests }) },
      },
    );
    await Promise.all([daemon.child.stop(), bare.child.stop()]);
    return [row];
  },
};

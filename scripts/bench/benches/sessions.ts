// C3: new sessions, beside a server of fastify with a random id and a line in the log.

import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { startServer } from '../environment.ts';
import type { HttpRequest } from '../http-load.ts';
import { compareHttp } from '../rounds.ts';

export const sessionsBench: Bench = {
  id: 'C3',
  title: 'GET /v2/sync/users/<user>, 1,000 users',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync']);
    const fair = await startServer(environment, 'server', 'fair-sessions');
    const requests = Array.from(
      { length: 1_000 },
      (_, index): HttpRequest => ({ method: 'GET', path: `/v2/sync/users/user-${index}` }),
    );
    const row = await compareHttp(
      environment,
      { name: 'C3 new session', target: { atLeast: 0.75 } },
      {
        ours: { server: daemon.child, load: () => ({ url: daemon.urls.gateway, requests }) },
        baseline: { server: fair.child, load: () => ({ url: fair.url, requests }) },
      },
    );
    await Promise.all([daemon.child.stop(), fair.child.stop()]);
    return [row];
  },
};

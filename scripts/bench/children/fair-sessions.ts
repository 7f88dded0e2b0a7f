// The baseline of C3: a new session by fastify with swob's schema and headers, a random id, and a line in the log.

import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { Type } from 'typebox';
import { createFairServer, serveFair } from './serve.ts';

const params = Type.Object({ userId: Type.String({ pattern: '^[A-Za-z0-9_.+-]{1,64}$' }) });
const log = pino(pino.destination({ dest: 2, sync: false }));
const app = createFairServer();

app.addHook('onResponse', (request, reply, done) => {
  log.info(
    {
      requestId: request.id,
      client: request.ip,
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: reply.elapsedTime,
    },
    'request',
  );
  done();
});

app.get<{ Params: { userId: string } }>(
  '/v2/sync/users/:userId',
  { schema: { params } },
  (request, reply) => {
    const session = randomBytes(16).toString('hex');
    reply
      .type('text/plain; charset=utf-8')
      .header('cache-control', 'no-store')
      .send(`ws://127.0.0.1:6996/v2/sync/init/${request.params.userId}/${session}`);
  },
);

await serveFair(app);

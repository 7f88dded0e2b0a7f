// Gives a fastify service `/livez`, `/readyz` and `/metrics`, and counts what else it answers. Used by server.ts.

import type { FastifyInstance } from 'fastify';
import { answerProbe, type Operations, probePathOf } from './operations.ts';

/**
 * To be called before any other hook: what comes later (CORS, overload protection, limits) neither keeps a balancer
 * from asking nor sees what it asks. A child with routes of its own would not do: hooks of later go down to it.
 */
export function answerOperators(app: Pick<FastifyInstance, 'addHook'>, operations: Operations): void {
  app.addHook('onRequest', async (request, reply) => {
    const path = probePathOf(request.method, request.url);
    if (!path) return;
    const { ip: address, headers, socket } = request;
    const answer = await answerProbe(operations, path, { address, peer: socket.remoteAddress, headers });
    // Whoever may not see it gets what every unknown path gets.
    if (answer) return reply.code(answer.status).headers(answer.headers).send(answer.body);
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (!probePathOf(request.method, request.url)) {
      operations.served({
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: reply.elapsedTime,
      });
    }
    done();
  });
}

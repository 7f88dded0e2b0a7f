// Gives a fastify service `/livez`, `/readyz` and `/metrics`. Used by server.ts.

import type { FastifyInstance } from 'fastify';
import { answerProbe, type Operations, probePathOf } from './operations.ts';

/**
 * To be called before any other hook: what comes later (CORS, overload protection, limits) neither keeps a balancer
 * from asking nor sees what it asks. A child with routes of its own would not do: hooks of later go down to it.
 */
export function answerOperators(app: Pick<FastifyInstance, 'addHook'>, operations: Operations): void {
  app.addHook('onRequest', (request, reply, done) => {
    // None of the three is a route, so the rest need not be looked at.
    const path = request.is404 ? probePathOf(request.method, request.url) : undefined;
    if (!path) return done();
    const { ip: address, headers, socket } = request;
    // Whoever may not see it gets what every unknown path gets.
    answerProbe(operations, path, { address, peer: socket.remoteAddress, headers })
      .then((answer) => {
        if (answer) reply.code(answer.status).headers(answer.headers).send(answer.body);
        else done();
      })
      .catch(done);
  });
}

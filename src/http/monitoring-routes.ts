// Adds the monitoring endpoints to a fastify service. Used by server.ts.

import type { FastifyInstance } from 'fastify';
import { type Monitoring, monitoringPathOf, respondToMonitoring } from './monitoring.ts';

/**
 * To be called before any other hook: CORS, overload protection and limits neither stop a balancer's probes nor count them.
 * Not as routes of a child plugin, which would inherit hooks that are added later.
 */
export function addMonitoringRoutes(app: Pick<FastifyInstance, 'addHook'>, monitoring: Monitoring): void {
  app.addHook('onRequest', (request, reply, done) => {
    // They are not routes, so a request that matches a route is none of them.
    const path = request.is404 ? monitoringPathOf(request.method, request.url) : undefined;
    if (!path) return done();
    const { ip: address, headers, socket } = request;
    respondToMonitoring(monitoring, path, { address, peer: socket.remoteAddress, headers })
      .then((response) => {
        if (response) reply.code(response.status).headers(response.headers).send(response.body);
        // Metrics that the client may not read: the response is that of an unknown path.
        else done();
      })
      .catch(done);
  });
}

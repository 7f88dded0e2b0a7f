// Lets web pages of other origins call the gateway. Used by server.ts. Not @fastify/cors: it copies its options and makes
// closures for each request, a fifth of what fastify costs.

import type { FastifyInstance } from 'fastify';

const maxAgeSeconds = '600';
const methods = 'GET, POST, PUT, DELETE';
const askedMethod = 'access-control-request-method';
const askedHeaders = 'access-control-request-headers';

/**
 * Nothing here rests on cookies; credentials are allowed because the old server's web pages ask for them.
 * @param origins those that may call; empty where all may
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  const isAllowed = (origin: string): boolean => origins.length === 0 || origins.includes(origin);

  app.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    reply.header('vary', 'Origin');
    if (origin && isAllowed(origin)) reply.header('access-control-allow-origin', origin);
    reply.header('access-control-allow-credentials', 'true');
    if (request.method !== 'OPTIONS') return done();
    // Here, and not in a route of its own: it is answered before whatever another hook would refuse.
    if (!origin || !request.headers[askedMethod]) {
      reply.code(400).type('text/plain').send('Invalid Preflight Request');
      return;
    }
    const wanted = request.headers[askedHeaders];
    if (wanted !== undefined) reply.header('access-control-allow-headers', wanted);
    reply
      .header('vary', 'Origin, Access-Control-Request-Headers')
      .header('access-control-allow-methods', methods)
      .header('access-control-max-age', maxAgeSeconds)
      // Some browsers hang without it.
      .header('content-length', '0')
      .code(204)
      .send();
  });
  // So that a preflight has a route in logs and metrics; the hook has answered it.
  app.options('*', { schema: { hide: true } }, (_request, reply) => reply.send());
}

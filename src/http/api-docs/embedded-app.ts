// A fastify app that does not listen: another app delegates requests to it. Used by document.ts and serve.ts.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

export function createEmbeddedApp(): FastifyInstance {
  return Fastify({ exposeHeadRoutes: true });
}

/** Lets `app`, which is ready, respond to the request, with the headers that hooks have set so far. */
export function delegate(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
  app.routing(request.raw, reply.raw);
}

// An app that does not listen: another one hands requests over to it. Used by the gateway's page of the API.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

export function createInnerApp(): FastifyInstance {
  return Fastify({ exposeHeadRoutes: false });
}

/** From here on the answer is that of `inner`, which is ready, with the headers that the hooks have set so far. */
export function handOver(inner: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value);
  }
  reply.hijack();
  inner.routing(request.raw, reply.raw);
}

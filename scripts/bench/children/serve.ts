// Starts a baseline server on a free port and prints its URL. Used by the servers of this folder.

import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';

export function serve(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address !== 'object' || !address) return;
    printUrl(`http://127.0.0.1:${address.port}`);
  });
}

/** A server of fastify with the headers that swob sends. */
export function createFairServer(): FastifyInstance {
  const app = Fastify({ genReqId: () => randomUUID() });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers({
      'x-request-id': request.id,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      vary: 'Origin',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'X-Total-Count, X-Page, X-Per-Page, Link',
    });
    done();
  });
  return app;
}

export async function serveFair(app: FastifyInstance): Promise<void> {
  printUrl(await app.listen({ host: '127.0.0.1', port: 0 }));
}

function printUrl(url: string): void {
  process.stdout.write(`${JSON.stringify({ url })}\n`);
}

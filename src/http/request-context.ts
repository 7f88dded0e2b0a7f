// The context of a request that use cases take: who sent it, its log, and whether it was aborted. Used by server.ts; routes
// read `request.requestContext`.

import type { FastifyInstance } from 'fastify';
import type { IdentifiedContext, Log } from '../domain/shared/ports.ts';
import { limitAddress } from '../domain/shared/rate-limiting.ts';
import { logWithRequestId } from './request-id.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Built at each access. */
    readonly requestContext: IdentifiedContext;
  }
}

export function addRequestContext(app: Pick<FastifyInstance, 'decorateRequest'>, log: Log): void {
  app.decorateRequest('requestContext', {
    getter() {
      const { socket } = this.raw;
      return {
        address: limitAddress(this.ip),
        requestId: this.id,
        log: logWithRequestId(log, this.id),
        isAborted: () => socket.destroyed,
      };
    },
  });
}

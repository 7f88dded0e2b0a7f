// Who sent a request, as the domain takes it. Used by server.ts; routes read `request.caller`.

import type { FastifyInstance } from 'fastify';
import { limitAddress } from '../domain/limiting.ts';
import type { Caller, Log } from '../domain/ports.ts';
import { logWithId } from './request-id.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Made anew each time that it is read. */
    readonly caller: Caller;
  }
}

export function nameCallers(app: Pick<FastifyInstance, 'decorateRequest'>, log: Log): void {
  app.decorateRequest('caller', {
    getter() {
      return { address: limitAddress(this.ip), log: logWithId(log, this.id) };
    },
  });
}

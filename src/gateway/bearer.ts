// The token of an Authorization header. Used by the routes that need one.

import type { FastifyRequest } from 'fastify';

/** Undefined when there is none, or one that no token of ours could be. */
export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer (\S{1,512})$/.exec(request.headers.authorization ?? '')?.[1];
}

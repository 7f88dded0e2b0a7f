// The bearer token of a request. Used by the routes that require one.

import type { FastifyRequest } from 'fastify';

/** Undefined without one, or when it is longer than any valid token. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer (\S{1,512})$/.exec(request.headers.authorization ?? '')?.[1];
}

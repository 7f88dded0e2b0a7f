// The bearer token of a request. Used by the routes that require one.

import type { FastifyRequest } from 'fastify';

/** Undefined without one, or when it is longer than any valid token. The scheme in any case, as in RFC 9110, section 11.1. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer +(\S{1,512})$/i.exec(request.headers.authorization ?? '')?.[1];
}

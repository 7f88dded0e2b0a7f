// Requires the admin token. Used by the admin routes.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { secretsEqual } from '../crypto/constant-time.ts';
import { SwobError } from '../errors.ts';
import { bearerToken } from './bearer-token.ts';

/** An onRequest hook; throws UNAUTHENTICATED. */
export function requireAdminToken(adminToken: string) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header('cache-control', 'no-store');
    if (secretsEqual(bearerToken(request) ?? '', adminToken)) return;
    throw new SwobError('UNAUTHENTICATED', 'missing or wrong admin token');
  };
}

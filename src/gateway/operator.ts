// Lets only the operator in, who has the admin token. Used by the routes of operators.

import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSameSecret } from '../crypto/same-secret.ts';
import { SwobError } from '../errors.ts';
import { bearerOf } from './bearer.ts';

/** An onRequest hook; throws UNAUTHENTICATED. */
export function operatorOnly(adminToken: string) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.header('cache-control', 'no-store');
    if (isSameSecret(bearerOf(request) ?? '', adminToken)) return;
    throw new SwobError('UNAUTHENTICATED', 'missing or wrong admin token');
  };
}

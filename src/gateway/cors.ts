// Allows web pages of other origins to call the gateway. Used by server.ts.

import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import { pageHeaders } from './paging.ts';

/**
 * The gateway uses no cookies; credentials are allowed because the web pages of the old server send them.
 * @param origins the origins that may call; empty allows every origin
 */
export async function addCors(
  app: Pick<FastifyInstance, 'register'>,
  origins: readonly string[],
): Promise<void> {
  await app.register(cors, {
    origin: origins.length === 0 ? true : [...origins],
    credentials: true,
    // As text, because @fastify/cors joins a list again for each response.
    exposedHeaders: pageHeaders.join(', '),
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    maxAge: 600,
  });
}

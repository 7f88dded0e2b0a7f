// The API's page, and its OpenAPI text, under /docs. Used by server.ts. In an app of its own, made when somebody first asks:
// it takes 4 MB, and most gateways never show it.

import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createInnerApp, handOver } from '../http/inner-app.ts';
import { answerError, answerNotFound } from './answer-error.ts';

const routePrefix = '/docs';

/** To be called after @fastify/swagger is registered, before the routes that it shall show. */
export function serveDocs(app: FastifyInstance): void {
  let page: Promise<FastifyInstance> | undefined;
  for (const path of [routePrefix, `${routePrefix}/*`]) {
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      page ??= createPage(app).catch((error: unknown) => {
        page = undefined;
        throw error;
      });
      handOver(await page, request, reply);
    });
  }
}

async function createPage(app: FastifyInstance): Promise<FastifyInstance> {
  const { default: swaggerUi } = await import('@fastify/swagger-ui');
  const page = createInnerApp();
  page.setNotFoundHandler(answerNotFound);
  page.setErrorHandler(answerError);
  const document = JSON.parse(JSON.stringify(app.swagger()));
  await page.register(swagger, { mode: 'static', specification: { document } });
  await page.register(swaggerUi, { routePrefix });
  await page.ready();
  return page;
}

// Serves the API documentation of a service under /docs and its OpenAPI document at /docs/json. Used by the gateway and the
// disconnect service. An embedded app, created on the first request: it takes 4 MB that most processes never need.

import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { nextTurn } from '../../lib/next-turn.ts';
import type { ApiDescription } from './document.ts';
import { createEmbeddedApp, delegate } from './embedded-app.ts';

const routePrefix = '/docs';

export interface DocsHandlers {
  readonly error: (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
  readonly notFound: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

/** To be called before the routes that it documents. */
export function addApiDocs(
  app: Pick<FastifyInstance, 'get' | 'addHook'>,
  description: ApiDescription,
  handlers: DocsHandlers,
): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    // Fastify adds a HEAD route for each GET.
    if (!route.schema?.hide && route.method !== 'HEAD') routes.push(route);
  });
  let docsApp: Promise<FastifyInstance> | undefined;
  for (const path of [routePrefix, `${routePrefix}/*`]) {
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      docsApp ??= createDocsApp(routes, description, handlers).catch((error: unknown) => {
        docsApp = undefined;
        throw error;
      });
      delegate(await docsApp, request, reply);
    });
  }
}

async function createDocsApp(
  routes: readonly RouteOptions[],
  description: ApiDescription,
  handlers: DocsHandlers,
): Promise<FastifyInstance> {
  // One after the other, because each is compiled and run without a pause.
  const { default: swagger } = await import('@fastify/swagger');
  await nextTurn();
  const { default: swaggerUi } = await import('@fastify/swagger-ui');
  await nextTurn();
  const { createDocument } = await import('./document.ts');
  const document = await createDocument(routes, description);
  const app = createEmbeddedApp();
  app.setNotFoundHandler(handlers.notFound);
  app.setErrorHandler(handlers.error);
  await app.register(swagger, { mode: 'static', specification: { document } });
  await app.register(swaggerUi, { routePrefix });
  await app.ready();
  return app;
}

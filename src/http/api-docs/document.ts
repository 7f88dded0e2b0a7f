// The OpenAPI document of a service, built from its routes. Used by serve.ts, which loads it on the first request.

import swagger, { type StaticDocumentSpec } from '@fastify/swagger';
import type { RouteOptions } from 'fastify';
import { nextTurn } from '../../lib/next-turn.ts';
import { createEmbeddedApp } from './embedded-app.ts';
import { monitoringPaths } from './monitoring-paths.ts';
import { documentedSchema, type ErrorResponses } from './route-docs.ts';

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  /** By the names that routes use in `security`. */
  readonly securitySchemes: Readonly<Record<string, SecurityScheme>>;
  readonly errors: ErrorResponses;
}

type OpenApiDocument = StaticDocumentSpec['document'];

type SecurityScheme =
  | {
      readonly type: 'http';
      readonly scheme: 'bearer' | 'basic';
      readonly bearerFormat?: string;
      readonly description: string;
    }
  | { readonly type: 'apiKey'; readonly in: 'header'; readonly name: string; readonly description: string };

export async function createDocument(
  routes: readonly RouteOptions[],
  { title, description, version, securitySchemes, errors }: ApiDescription,
): Promise<OpenApiDocument> {
  // Requests wait for each part of this, not for all of it.
  await nextTurn();
  const app = createEmbeddedApp();
  // This app handles no requests, so nothing has to be compiled.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: { title, description, version, license: { name: 'GPL-3.0-only', identifier: 'GPL-3.0-only' } },
      // The server that sent the document.
      servers: [{ url: '/' }],
      components: { securitySchemes },
    },
  });
  await nextTurn();
  for (const route of routes) {
    const { method, url } = route;
    app.route({
      method,
      url,
      schema: documentedSchema(route, errors),
      handler: (_request, reply) => reply.send(),
    });
  }
  await app.ready();
  await nextTurn();
  const described = app.swagger();
  await nextTurn();
  // Removes what is not JSON, such as symbols.
  const document = JSON.parse(JSON.stringify(described));
  return { ...document, paths: { ...document.paths, ...monitoringPaths } };
}

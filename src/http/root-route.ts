// `GET /` of each service: what the service is, and where its other endpoints are. Used by every service.

import type { FastifyInstance } from 'fastify';
import { textContent } from './api-docs/route-docs.ts';
import type { Monitoring } from './monitoring.ts';

/** `lines` describe the service, the most useful first. */
export function rootText(
  { service, version }: Pick<Monitoring, 'service' | 'version'>,
  lines: readonly string[],
): string {
  return [`swob ${version}: ${service}`, ...lines, 'health: /livez, /readyz, /metrics', ''].join('\n');
}

export function addRootRoute(app: Pick<FastifyInstance, 'get'>, text: string): void {
  app.get(
    '/',
    {
      config: {
        quiet: true,
        docs: { responses: { 200: { description: 'Plain text for people', content: textContent() } } },
      },
      schema: {
        operationId: 'getService',
        summary: 'Describe the service and its endpoints',
        tags: ['operations'],
      },
    },
    (_request, reply) => {
      reply.type('text/plain; charset=utf-8');
      return text;
    },
  );
}

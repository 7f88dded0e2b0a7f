// The routes of each view: its data, its data live, its actions. Used by server.ts.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import { authenticate, operatorOf, type SessionCheck } from './authentication.ts';
import { type LiveHub, maxViewLength, type StreamRefusal } from './live-hub.ts';
import type { ConsoleAction, ConsoleView } from './view.ts';

interface Options {
  readonly views: readonly ConsoleView[];
  readonly sessions: SessionCheck;
  readonly hub: LiveHub;
  readonly clock: Clock;
  readonly onRefused: (reason: StreamRefusal) => void;
}

const retryAfterSeconds = 10;

export const viewRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { views, sessions, hub, clock } = options;
  app.decorateRequest('operator', undefined);
  app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'no-store'));
  app.addHook('onRequest', authenticate(sessions, clock.now));

  for (const view of views) {
    const path = `/console/api/${view.name}`;
    const schema = { hide: true, querystring: view.query };
    app.get(path, { schema, config: { quiet: true } }, async (request, reply) => {
      const text = JSON.stringify(await view.read(request.query, { now: clock.now() }));
      if (text.length > maxViewLength)
        throw new SwobError('TOO_LARGE', 'this view has too much data; narrow it by its query');
      return reply.type('application/json; charset=utf-8').send(text);
    });
    app.get(
      `${path}/events`,
      { schema, config: { quiet: true, isStream: true }, exposeHeadRoute: false },
      async (request, reply) => {
        const { sessionId, expiresAt } = operatorOf(request);
        const refused = hub.refusal(sessionId);
        if (refused) {
          options.onRefused(refused);
          const message = 'too many console pages are open; close some, or raise [console] max_clients';
          throw new SwobError('UNAVAILABLE', message, { retryAfter: retryAfterSeconds });
        }
        const { raw: response } = reply;
        for (const [name, value] of Object.entries(reply.getHeaders()))
          if (value !== undefined) response.setHeader(name, value);
        response.setHeader('content-type', 'text/event-stream; charset=utf-8');
        // nginx would keep the events until its buffer is full.
        response.setHeader('x-accel-buffering', 'no');
        // The heartbeat keeps a quiet stream open; an idle timeout would cut it in the middle on a busy machine.
        request.raw.socket.setTimeout(0);
        reply.hijack();
        response.writeHead(200);
        hub.open({ view, query: request.query, response, sessionId, expiresAt });
      },
    );
    for (const [name, action] of Object.entries(view.actions)) addAction(`${path}/${name}`, name, action);
  }

  function addAction(path: string, name: string, action: ConsoleAction): void {
    app.post(path, { schema: { hide: true, body: action.body } }, async (request) => {
      const { address, requestId, log, isAborted } = request.requestContext;
      const operator = operatorOf(request).name;
      const context = { address, requestId, log, isAborted, operator, now: clock.now() };
      const result = await action.run(request.body, context);
      log.info(
        { operator, action: name, ...('kind' in result && { result: result.kind }) },
        'console action',
      );
      return result;
    });
  }
};

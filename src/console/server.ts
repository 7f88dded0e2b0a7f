// The console for operators, as a plugin of the gateway's HTTP server. Mounted by app/compose/console.ts.

import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { RateLimit } from '../domain/shared/model.ts';
import type { Clock, LimitStore, Log } from '../domain/shared/ports.ts';
import type { SessionCheck } from './authentication.ts';
import type { LiveHub, StreamRefusal } from './live-hub.ts';
import { addPageHeaders } from './page-headers.ts';
import { type SignInOutcome, sessionRoutes } from './session-routes.ts';
import { createStaticFiles } from './static-files.ts';
import type { ConsoleView } from './view.ts';
import { viewRoutes } from './view-routes.ts';

export interface ConsoleOptions {
  /** The folder of the built pages. */
  readonly pages: string;
  readonly views: readonly ConsoleView[];
  readonly sessions: SessionCheck;
  readonly hub: LiveHub;
  readonly limits: LimitStore;
  readonly signInLimit: RateLimit;
  readonly sessionMs: number;
  readonly secure: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSignIn: (outcome: SignInOutcome) => void;
  readonly onRefused: (reason: StreamRefusal) => void;
}

export function createConsole(options: ConsoleOptions): FastifyPluginAsync {
  const { hub, sessions, clock } = options;
  return async (app) => {
    app.addHook('onRequest', addPageHeaders);
    app.addHook('onRoute', (route) => {
      route.config = { errorBody: (error: string) => ({ error }), ...route.config };
    });
    app.addHook('preClose', async () => hub.close());
    addPages(app, options.pages);
    await app.register(sessionRoutes, {
      sessions,
      hub,
      limits: options.limits,
      limit: options.signInLimit,
      sessionMs: options.sessionMs,
      clock,
      secure: options.secure,
      onSignIn: options.onSignIn,
    });
    await app.register(viewRoutes, {
      views: options.views,
      sessions,
      hub,
      clock,
      onRefused: options.onRefused,
    });
  };
}

/** Each path of a view is the same page, which shows the view of its URL. */
function addPages(app: FastifyInstance, pages: string): void {
  const files = createStaticFiles(pages);
  const options = { schema: { hide: true }, config: { quiet: true } };
  for (const path of ['/console', '/console/', '/console/:view'])
    app.get(path, options, (request, reply) => files.sendPage('console', request, reply));
  app.get<{ Params: { name: string } }>('/console/assets/:name', options, (request, reply) =>
    files.sendAsset('console', request.params.name, request, reply),
  );
}

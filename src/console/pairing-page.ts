// The page on which a person pairs a phone, as a plugin of the gateway's HTTP server. It needs no sign-in. Mounted by
// app/compose/console.ts when [console] pairing is on.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { Pairing } from '../domain/pairing/pairing.ts';
import { type ApiState, identifierPatterns } from '../domain/shared/identifiers.ts';
import { initUrl, type ServiceUrls } from '../domain/shared/urls.ts';
import type { OpenedSession } from './opened-session.ts';
import { addPageHeadersWith } from './page-headers.ts';
import { createStaticFiles } from './static-files.ts';

export interface PairingPageOptions {
  /** The folder of the built pages. */
  readonly pages: string;
  readonly pairing: Pick<Pairing, 'open'>;
  readonly addresses: ServiceUrls;
  readonly state: ApiState;
  /** How long a QR code is shown, in milliseconds. */
  readonly codeMs: number;
  /** How long a phone that has scanned it may take to pair, likewise. */
  readonly pausedMs: number;
}

export function createPairingPage(options: PairingPageOptions): FastifyPluginAsyncTypebox {
  const { addresses, pairing } = options;
  const files = createStaticFiles(options.pages);
  const params = Type.Object({ userId: Type.String({ pattern: identifierPatterns(options.state).userId }) });
  const config = { quiet: true };
  return async (app) => {
    app.addHook(
      'onRequest',
      addPageHeadersWith(() => new URL(addresses.sync()).origin),
    );

    app.get('/pair/:userId', { schema: { hide: true, params }, config }, (request, reply) =>
      files.sendPage('pairing', request, reply),
    );
    app.get<{ Params: { name: string } }>(
      '/pair/assets/:name',
      { schema: { hide: true }, config },
      (request, reply) => files.sendAsset('pairing', request.params.name, request, reply),
    );
    // By the script of the page and not with the page, so that a preview or prefetch of a link opens no session.
    app.post(
      '/pair/:userId/sessions',
      {
        schema: { hide: true, params },
        config: { errorBody: (error: string) => ({ error }) },
      },
      async (request, reply): Promise<OpenedSession> => {
        const { userId } = request.params;
        const sessionId = await pairing.open(userId, request.requestContext.address);
        reply.header('cache-control', 'no-store');
        return {
          url: initUrl(addresses.sync(), userId, sessionId),
          seconds: options.codeMs / 1_000,
          pausedSeconds: options.pausedMs / 1_000,
        };
      },
    );
  };
}

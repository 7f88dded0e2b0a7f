// Sign-in and sign-out of the console. Used by server.ts.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import type { LimitKey } from '../domain/shared/limit-keys.ts';
import type { RateLimit } from '../domain/shared/model.ts';
import type { Clock, LimitStore } from '../domain/shared/ports.ts';
import { consumeAll, rateLimited, refundAll } from '../domain/shared/rate-limiting.ts';
import { SwobError } from '../errors.ts';
import {
  browserCookieName,
  browserCookieOf,
  cookieName,
  cookieOf,
  requireOwnPage,
  type SessionCheck,
} from './authentication.ts';
import type { LiveHub } from './live-hub.ts';

export type SignInOutcome = 'accepted' | 'wrong' | 'limited';

interface Options {
  readonly sessions: SessionCheck;
  readonly hub: LiveHub;
  readonly limits: LimitStore;
  /** Wrong tokens per address. */
  readonly limit: RateLimit;
  readonly sessionMs: number;
  readonly clock: Clock;
  /** Whether browsers reach the console by HTTPS only. */
  readonly secure: boolean;
  readonly onSignIn: (outcome: SignInOutcome) => void;
}

/** How long a browser that has signed in is known; browsers keep no cookie for longer than 400 days. */
const browserSeconds = 365 * 86_400;

export const sessionRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { sessions, hub, limits, limit, clock } = options;
  const flags = `HttpOnly; SameSite=Strict${options.secure ? '; Secure' : ''}`;
  const attributes = `Path=/console; ${flags}`;
  const browserAttributes = `Max-Age=${browserSeconds}; Path=/console/sign-in; ${flags}`;
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    requireOwnPage(request);
  });

  // A page calls this when it is opened, and when its streams end, because a stream does not say why it was refused.
  app.get('/console/session', { schema: { hide: true }, config: { quiet: true } }, async (request) => ({
    signedIn: (await sessions.find(cookieOf(request), clock.now())) !== undefined,
  }));

  app.post(
    '/console/sign-in',
    { schema: { hide: true, body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 512 }) }) } },
    async (request, reply) => {
      const { address, log } = request.requestContext;
      const knownBrowser = browserCookieOf(request);
      const browser = sessions.verifyBrowser(knownBrowser);
      // A browser that has signed in before counts like an address of its own, so that strangers cannot lock its operator out.
      const keys: LimitKey[] =
        browser === undefined
          ? [`console:address:${address}`, 'console:all:']
          : [`console:address:${browser}`];
      // Counted before the comparison, so that concurrent guesses count too.
      const exceeded = await consumeAll(limits, keys, limit);
      if (exceeded) {
        options.onSignIn('limited');
        log.warn(
          { address, limit: exceeded.key.split(':', 2).join(':') },
          'too many sign-ins to the console',
        );
        throw rateLimited('wrong admin tokens', exceeded.seconds);
      }
      if (!sessions.isAdminToken(request.body.token.trim())) {
        options.onSignIn('wrong');
        log.warn({ address }, 'sign-in to the console with a wrong admin token');
        throw new SwobError('UNAUTHENTICATED', 'this is not the admin token of the gateway');
      }
      await refundAll(limits, keys, limit);
      const expiresAt = clock.now() + options.sessionMs;
      const maxAge = Math.floor(options.sessionMs / 1_000);
      const cookie = sessions.issue(expiresAt);
      const browserCookie = browser === undefined ? sessions.issueBrowser() : knownBrowser;
      reply.header('set-cookie', [
        `${cookieName}=${cookie}; Max-Age=${maxAge}; ${attributes}`,
        `${browserCookieName}=${browserCookie}; ${browserAttributes}`,
      ]);
      options.onSignIn('accepted');
      log.info({ address, operator: cookie.slice(0, 8) }, 'signed in to the console');
      return { expiresAt: expiresAt / 1_000 };
    },
  );

  app.post('/console/sign-out', { schema: { hide: true } }, async (request, reply) => {
    const session = await sessions.find(cookieOf(request), clock.now());
    reply.header('set-cookie', `${cookieName}=; Max-Age=0; ${attributes}`);
    if (session) {
      hub.endSession(session.id);
      await sessions.signOut(session.id, clock.now());
      request.requestContext.log.info({ operator: session.id.slice(0, 8) }, 'signed out of the console');
    }
    return {};
  });
};

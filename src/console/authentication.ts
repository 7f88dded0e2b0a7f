// Who may use the console: an operator with a session cookie, or a script with the admin token. Used by the routes of this
// folder.

import type { FastifyRequest } from 'fastify';
import type { ConsoleSession, ConsoleSessions } from '../crypto/console-session.ts';
import type { SignOut } from '../domain/shared/model.ts';
import type { Log, TtlStore } from '../domain/shared/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { bearerToken } from '../http/bearer-token.ts';

export interface Operator {
  /** For logs: the first characters of the session's id, or `token`. */
  readonly name: string;
  /** Streams are counted by it. */
  readonly sessionId: string;
  /** Unix time in milliseconds; infinite for a token. */
  readonly expiresAt: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`. */
    operator: Operator | undefined;
  }
}

export const cookieName = 'swob_console';
/** Sent with a sign-in only. */
export const browserCookieName = 'swob_console_browser';
/** A custom header, which a page of another origin cannot send without asking first. */
const requestHeader = 'x-swob-console';

/** Sessions that are valid and have not signed out, on this node or another one. */
export interface SessionCheck
  extends Pick<ConsoleSessions, 'isAdminToken' | 'issue' | 'issueBrowser' | 'verifyBrowser'> {
  find(cookie: string, now: number): Promise<ConsoleSession | undefined>;
  isSignedOut(sessionId: string): Promise<boolean>;
  /** Its cookie is refused from now on, also after a restart. Throws UNAVAILABLE; then by this node alone. */
  signOut(sessionId: string, now: number): Promise<void>;
}

export function createSessionCheck(
  sessions: ConsoleSessions,
  signOuts: Pick<TtlStore<SignOut>, 'get' | 'put'>,
  log: Log,
): SessionCheck {
  const isSignedOut = async (sessionId: string): Promise<boolean> => {
    try {
      return (await signOuts.get(sessionId)) !== undefined;
    } catch (error) {
      // The console is needed most while the store fails.
      log.warn({ reason: messageOf(error) }, 'cannot read whether a session of the console has signed out');
      return false;
    }
  };
  return {
    isAdminToken: sessions.isAdminToken,
    issue: sessions.issue,
    issueBrowser: sessions.issueBrowser,
    verifyBrowser: sessions.verifyBrowser,
    isSignedOut,
    find: async (cookie, now) => {
      const session = sessions.verify(cookie, now);
      return session && !(await isSignedOut(session.id)) ? session : undefined;
    },
    signOut: (sessionId, now) => signOuts.put(sessionId, { at: now }),
  };
}

/** An onRequest hook for routes that need an operator; throws UNAUTHENTICATED, or FORBIDDEN for a request of another page. */
export function authenticate(sessions: SessionCheck, now: () => number) {
  return async (request: FastifyRequest): Promise<void> => {
    const token = bearerToken(request);
    if (token !== undefined) {
      if (!sessions.isAdminToken(token)) throw new SwobError('UNAUTHENTICATED', 'wrong admin token');
      request.operator = { name: 'token', sessionId: 'token', expiresAt: Number.POSITIVE_INFINITY };
      return;
    }
    requireOwnPage(request);
    const session = await sessions.find(cookieOf(request), now());
    if (!session) throw new SwobError('UNAUTHENTICATED', 'sign in to the console first');
    request.operator = {
      name: session.id.slice(0, 8),
      sessionId: session.id,
      expiresAt: session.expiresAt,
    };
  };
}

/** The operator of a request that `authenticate` has passed. */
export function operatorOf(request: FastifyRequest): Operator {
  if (!request.operator) throw new SwobError('UNAUTHENTICATED', 'sign in to the console first');
  return request.operator;
}

/** The value of the session cookie; empty without one. */
export function cookieOf({ headers }: FastifyRequest): string {
  return /(?:^|;\s*)swob_console=([\w.-]{1,200})(?:;|$)/.exec(headers.cookie ?? '')?.[1] ?? '';
}

/** The value of the cookie of a browser that has signed in before; empty without one. */
export function browserCookieOf({ headers }: FastifyRequest): string {
  return /(?:^|;\s*)swob_console_browser=([\w.-]{1,200})(?:;|$)/.exec(headers.cookie ?? '')?.[1] ?? '';
}

/**
 * Throws FORBIDDEN unless the request comes from a page of this origin: browsers send cookies also for pages on another port
 * of the host. A request that changes something needs the custom header, too.
 */
export function requireOwnPage(request: FastifyRequest): void {
  const { headers, method } = request;
  const site = headers['sec-fetch-site'];
  const isRead = method === 'GET' || method === 'HEAD';
  const isOwn =
    site !== undefined
      ? site === 'same-origin' || (isRead && site === 'none')
      : isRead || hostOf(headers.origin) === headers.host;
  if (!isOwn) throw new SwobError('FORBIDDEN', 'the console accepts requests of its own pages only');
  if (!isRead && headers[requestHeader] === undefined)
    throw new SwobError('FORBIDDEN', `the header ${requestHeader} is missing`);
}

function hostOf(origin: string | undefined): string | undefined {
  return origin !== undefined && URL.canParse(origin) ? new URL(origin).host : undefined;
}

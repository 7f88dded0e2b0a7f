// Session cookies of a stub, each bound to the User-Agent of its sign-in, as in the real systems. Used by users.ts and
// developer.ts.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { SwobError } from '../errors.ts';

/** The least recently used sessions are dropped. */
const maxCookies = 10_000;

export interface SessionCookies {
  /** The Set-Cookie header of a new session of that owner; throws as `userAgentOf`. */
  issue(owner: string, request: IncomingMessage): string;
  /** The owner of the request's cookie, if the User-Agent is that of the sign-in. */
  ownerOf(request: IncomingMessage): string | undefined;
  clear(): void;
}

export function createSessionCookies(): SessionCookies {
  const sessions = new LRUCache<string, { readonly owner: string; readonly userAgent: string }>({
    max: maxCookies,
  });
  return {
    issue: (owner, request) => {
      const cookie = randomBytes(16).toString('hex');
      sessions.set(cookie, { owner, userAgent: userAgentOf(request) });
      // Without Path a client would send the cookie to paths below this route only.
      return `session=${cookie}; Path=/; HttpOnly; SameSite=Strict`;
    },
    ownerOf: ({ headers }) => {
      const cookie = /(?:^|;\s*)session=([0-9a-f]{32})(?:;|$)/.exec(headers.cookie ?? '')?.[1];
      const session = cookie === undefined ? undefined : sessions.get(cookie);
      return session?.userAgent === headers['user-agent'] ? session?.owner : undefined;
    },
    clear: () => sessions.clear(),
  };
}

/** The User-Agent; throws BAD_INPUT (400), as the real systems respond, when it is missing. */
export function userAgentOf({ headers }: IncomingMessage): string {
  const userAgent = headers['user-agent'];
  if (userAgent) return userAgent;
  throw new SwobError('BAD_INPUT', 'the User-Agent header is missing');
}

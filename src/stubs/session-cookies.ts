// Log-ins of a stand-in: each gets a cookie of its own. Used by users.ts and developer.ts.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';

/** Log-ins that are remembered; the least recently used ones are forgotten. */
const maxCookies = 10_000;

export interface SessionCookies {
  /** The value of a Set-Cookie header for a new log-in of that owner. */
  issue(owner: string): string;
  /** Whose cookie came with the request. */
  ownerOf(request: IncomingMessage): string | undefined;
  clear(): void;
}

export function createSessionCookies(): SessionCookies {
  const owners = new LRUCache<string, string>({ max: maxCookies });
  return {
    issue: (owner) => {
      const cookie = randomBytes(16).toString('hex');
      owners.set(cookie, owner);
      // Path: without it a client would send the cookie below this route's folder only.
      return `session=${cookie}; Path=/; HttpOnly; SameSite=Strict`;
    },
    ownerOf: ({ headers }) => {
      const cookie = /(?:^|;\s*)session=([0-9a-f]{32})(?:;|$)/.exec(headers.cookie ?? '')?.[1];
      return cookie === undefined ? undefined : owners.get(cookie);
    },
    clear: () => owners.clear(),
  };
}

// The cookies of one session with a system, sent back by name. Used by api-client.ts.

import { parseSetCookie } from 'set-cookie-parser';

/** Enough for a session, and well below the header size that servers accept. */
const maxCookies = 32;
const maxBytes = 8_192;

export interface CookieJar {
  /** The value of the Cookie header; undefined when there is no cookie. */
  header(): string | undefined;
  /** Stores the Set-Cookie headers of a response. */
  store(setCookie: readonly string[]): void;
}

/**
 * Domain, Path and Secure are ignored, because the developer API's cookies are sent to a back end on another host; the
 * addresses of both come from the configuration. Lifetimes are ignored too, except for deleting a cookie: the system rejects
 * an expired session, and swob signs in again.
 *
 * @param now Unix time in milliseconds, for cookies that are deleted by `Expires`
 */
export function createCookieJar(now: () => number): CookieJar {
  const values = new Map<string, string>();

  const fits = (name: string, value: string): boolean => {
    const others = [...values].filter(([other]) => other !== name);
    const bytes = [...others, [name, value]].reduce(
      (sum, [key = '', text = '']) => sum + key.length + text.length + 3,
      0,
    );
    return others.length < maxCookies && bytes <= maxBytes;
  };

  return {
    header: () => {
      if (values.size === 0) return undefined;
      return [...values].map(([name, value]) => `${name}=${value}`).join('; ');
    },
    store: (setCookie) => {
      for (const { name, value, maxAge, expires } of parseSetCookie(setCookie, parseOptions)) {
        if (!isName(name) || !isValue(value)) continue;
        // Max-Age takes precedence over Expires (RFC 6265, 5.3).
        const deleted =
          maxAge === undefined ? expires !== undefined && expires.getTime() <= now() : maxAge <= 0;
        if (deleted) values.delete(name);
        else if (fits(name, value)) values.set(name, value);
      }
    },
  };
}

/** Values are sent back as they came, not decoded. */
const parseOptions = { decodeValues: false, silent: true } as const;

/** An HTTP token, so that no name can contain a second cookie. */
const isName = (name: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(name);

/** Bytes that are valid in a header, except `;`, which ends a value. */
const isValue = (value: string): boolean => /^[\x20-\x3a\x3c-\x7e\x80-\xff]*$/.test(value);

// One call to a system that may set cookies: bounded, never redirected, and its failures in words without secrets.
// Used by users.ts and directory.ts.

import { CookieJar } from 'tough-cookie';
import { SwobError } from '../errors.ts';
import { createAsker, type HttpAnswer } from './ask.ts';

/** Answers that say "not this user, not this password". */
const refusals: ReadonlySet<number> = new Set([400, 401, 403, 404, 422]);

export interface Target {
  /** As messages name it: `user management API`. */
  readonly system: string;
  /** User and password in it are sent as a header. */
  readonly url: string;
  /** Milliseconds for the answer, body included. */
  readonly timeoutMs: number;
  /** The largest body of an answer, unpacked. */
  readonly maxBodyBytes: number;
}

/** What came back: the body of a 2xx, or the status of a refusal. */
export type Reply =
  | { readonly text: string; readonly refused?: undefined }
  | { readonly refused: number; readonly text?: undefined };

/**
 * Posts `body` as JSON, or gets when there is none; with cookies from the jar and into it when one is given.
 * Throws UPSTREAM for all but 2xx, 400, 401, 403, 404 and 422.
 */
export type Call = (target: Target, body?: object, cookies?: Cookies) => Promise<Reply>;

/** A jar that costs nothing while it is empty. */
export interface Cookies {
  /** What to send to the URL; undefined for nothing. */
  headerFor(url: string): string | undefined;
  /** What an answer from the URL has set. */
  take(url: string, setCookie: readonly string[]): void;
}

export function createCookies(): Cookies {
  let jar: CookieJar | undefined;
  return {
    headerFor: (url) => jar?.getCookieStringSync(url) || undefined,
    take: (url, setCookie) => {
      if (setCookie.length === 0) return;
      jar ??= new CookieJar();
      // A cookie that is not for this URL, or none at all, is left out.
      for (const cookie of setCookie) jar.setCookieSync(cookie, url, { ignoreError: true });
    },
  };
}

/** Calls that share their open connections. */
export function createCall(): Call {
  const ask = createAsker();
  return async (target, body, cookies) => {
    const { url, timeoutMs, maxBodyBytes } = target;
    const cookie = cookies?.headerFor(url);
    const headers = {
      accept: 'application/json',
      ...(cookie !== undefined && { cookie }),
      ...(body && { 'content-type': 'application/json' }),
    };
    let answer: HttpAnswer;
    try {
      const text = body && JSON.stringify(body);
      answer = await ask({ url, headers, body: text, timeoutMs, maxBodyBytes, isWanted });
    } catch (error) {
      throw failure(target, error instanceof Error ? error.message : 'no usable answer');
    }
    cookies?.take(url, answer.setCookie);
    if (answer.body !== undefined) return { text: answer.body };
    if (refusals.has(answer.status)) return { refused: answer.status };
    throw failure(target, `it answered ${answer.status}`);
  };
}

/** What others say in their bodies is not looked at. */
const isWanted = (status: number): boolean => status >= 200 && status < 300;

/** What an answer says as JSON; throws UPSTREAM when it is none. */
export function jsonIn(target: Target, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw failure(target, 'its answer is not JSON');
  }
}

/** UPSTREAM: that this system failed, where, and why. `why` holds no secret. */
export function failure({ system, url }: Target, why: string): SwobError {
  return new SwobError('UPSTREAM', `the ${system} at ${withoutSecrets(url)} failed: ${why}`, {
    forClients: `the ${system} failed: ${why}`,
  });
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The URL without user, password, query and fragment, for messages. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

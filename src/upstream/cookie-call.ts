// One call by node-fetch to a system that may set cookies: bounded, never redirected, and its failures in words
// without secrets. Used by users.ts and directory.ts.

import { Readable } from 'node:stream';
import fetchCookie from 'fetch-cookie';
import fetch, { type RequestInit, type Response } from 'node-fetch';
import { CookieJar } from 'tough-cookie';
import { SwobError } from '../errors.ts';
import { fetchReason } from './fetch-reason.ts';

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

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What came back: the body of a 2xx, or the status of a refusal. */
export type Reply =
  | { readonly text: string; readonly refused?: undefined }
  | { readonly refused: number; readonly text?: undefined };

/** A fetch with a cookie jar of its own. */
export function fetchWithCookies(): Fetch {
  return fetchCookie<string, RequestInit, Response>(fetch, new CookieJar());
}

/** Posts `body` as JSON, or gets when there is none. Throws UPSTREAM for all but 2xx, 400, 401, 403, 404 and 422. */
export async function call(using: Fetch, target: Target, body?: object): Promise<Reply> {
  const { timeoutMs, maxBodyBytes } = target;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const { url, authorization } = splitCredentials(target.url);
    const response = await using(url, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        accept: 'application/json',
        ...authorization,
        ...(body && { 'content-type': 'application/json' }),
      },
      // A redirect would carry the secrets of the request to wherever the answer says.
      redirect: 'manual',
      size: maxBodyBytes,
      signal,
    });
    if (response.ok) return { text: await response.text() };
    // Unread, its socket would stay open.
    if (response.body instanceof Readable) response.body.destroy();
    if (refusals.has(response.status)) return { refused: response.status };
    throw failure(target, `it answered ${response.status}`);
  } catch (error) {
    if (error instanceof SwobError) throw error;
    // The error itself is dropped: node-fetch puts the whole URL into its message.
    throw failure(
      target,
      signal.aborted ? `no answer within ${timeoutMs} ms` : fetchReason(error, maxBodyBytes),
    );
  }
}

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

/** node-fetch refuses a URL with user and password: they go into a header. */
function splitCredentials(url: string): { url: string; authorization: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { url, authorization: {} };
  parsed.username = '';
  parsed.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return { url: parsed.href, authorization: { authorization } };
}

/** The URL without user, password, query and fragment, for messages. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

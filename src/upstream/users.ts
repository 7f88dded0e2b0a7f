// The user management API: checks a user's password and fetches the platforms. Used by pairing.

import { Readable } from 'node:stream';
import fetchCookie from 'fetch-cookie';
import fetch, { type RequestInit, type Response } from 'node-fetch';
import { CookieJar } from 'tough-cookie';
import type { Platform, UserApi } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';
import { fetchReason } from './fetch-reason.ts';

const maxBodyBytes = 1024 * 1024;
/** Answers that say "not this user, not this password". */
const wrongStatuses: ReadonlySet<number> = new Set([400, 401, 403, 404, 422]);

export interface UserApiOptions {
  /** Stands before the platforms' logos. */
  readonly apiUrl: string;
  /** `%s` is the user id, here and below. */
  readonly verificationUrl: string;
  readonly platformsUrl: string;
  /** Milliseconds for each of the two answers, body included. */
  readonly timeoutMs: number;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A client of the user management API; each call has cookies of its own. */
export function createUserApi(options: UserApiOptions): UserApi {
  const { timeoutMs } = options;

  return {
    authenticate: async (userId, password) => {
      const user = pathSegment(userId);
      if (user === undefined) return undefined;
      const cookieFetch = fetchCookie<string, RequestInit, Response>(fetch, new CookieJar());
      const verification = await request(cookieFetch, fill(options.verificationUrl, user), timeoutMs, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ password }),
      });
      if (verification === undefined) return undefined;
      const platformsUrl = fill(options.platformsUrl, user);
      const text = await request(cookieFetch, platformsUrl, timeoutMs, {});
      if (text === undefined) return undefined;
      return savedPlatforms(text, platformsUrl).map((platform) =>
        typeof platform.logo === 'string'
          ? { ...platform, logo: `${options.apiUrl}${platform.logo}` }
          : platform,
      );
    },
  };
}

/** The body's text, or undefined when the answer is "wrong user or password"; throws UPSTREAM. */
async function request(
  cookieFetch: Fetch,
  url: string,
  timeoutMs: number,
  init: RequestInit & { headers?: Record<string, string> },
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const name = withoutSecrets(url);
  try {
    const { target, authorization } = splitCredentials(url);
    const response = await cookieFetch(target, {
      ...init,
      headers: { accept: 'application/json', ...authorization, ...init.headers },
      // A redirect would carry the password to wherever the answer says.
      redirect: 'manual',
      size: maxBodyBytes,
      signal,
    });
    if (response.ok) return await response.text();
    // Unread, its socket would stay open.
    if (response.body instanceof Readable) response.body.destroy();
    if (wrongStatuses.has(response.status)) return undefined;
    throw failure(name, `it answered ${response.status}`);
  } catch (error) {
    if (error instanceof SwobError) throw error;
    // The error itself is dropped: node-fetch puts the whole URL into its message.
    throw failure(
      name,
      signal.aborted ? `no answer within ${timeoutMs} ms` : fetchReason(error, maxBodyBytes),
    );
  }
}

function savedPlatforms(text: string, url: string): Platform[] {
  const name = withoutSecrets(url);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw failure(name, 'its answer is not JSON');
  }
  const saved = isObject(json) ? json.saved_platforms : undefined;
  if (!Array.isArray(saved)) throw failure(name, 'its answer has no list saved_platforms');
  if (!saved.every(isObject)) throw failure(name, 'its saved_platforms are not all objects');
  return saved;
}

/** A user id as one segment of a path; undefined for what would name another path. */
function pathSegment(userId: string): string | undefined {
  if (/^\.{0,2}$/.test(userId)) return undefined;
  try {
    return encodeURIComponent(userId);
  } catch {
    // A lone surrogate.
    return undefined;
  }
}

const fill = (template: string, user: string): string => template.replace('%s', user);

/** node-fetch refuses a URL with user and password: they go into a header. */
function splitCredentials(url: string): { target: string; authorization: Record<string, string> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { target: url, authorization: {} };
  parsed.username = '';
  parsed.password = '';
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return { target: parsed.href, authorization: { authorization } };
}

/** The URL without user, password, query and fragment, for messages. */
function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function failure(name: string, why: string): SwobError {
  return new SwobError('UPSTREAM', `the user management API at ${name} failed: ${why}`, {
    forClients: `the user management API failed: ${why}`,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Requests to systems that may set cookies, with error messages that hold no secret. Used by user-api.ts and
// user-directory.ts.

import type { Clock } from '../domain/shared/ports.ts';
import type { UpstreamFailure } from '../domain/shared/upstream-failure.ts';
import type { CookieJar } from './cookie-jar.ts';
import { createHttpClient, describeFailure } from './http-client.ts';
import { userAgent } from './user-agent.ts';

/** Statuses that mean an unknown user or a wrong password. */
const rejectionStatuses: ReadonlySet<number> = new Set([400, 401, 403, 404, 422]);

/** The most connections to one server. */
const maxConnections = 256;

export interface ApiEndpoint {
  /** Name in error messages: `user management API`. */
  readonly system: string;
  /** User and password in it are sent as a header. */
  readonly url: string;
  /** Milliseconds for the response, including the body. */
  readonly timeoutMs: number;
  /** The largest body of a response, decompressed. */
  readonly maxBodyBytes: number;
}

/**
 * Outcome of a request:
 * - `accepted`: 2xx, with the body
 * - `refused`: 400, 401, 403, 404 or 422
 * - `failed`: everything else
 */
export type ApiResponse =
  | { readonly kind: 'accepted'; readonly text: string }
  | { readonly kind: 'refused'; readonly status: number }
  | UpstreamFailure;

/** Posts `body` as JSON, or gets when there is none; sends and stores the cookies of the jar if one is given. */
export type ApiClient = (target: ApiEndpoint, body?: object, cookies?: CookieJar) => Promise<ApiResponse>;

/** Connections are shared between requests. */
export function createApiClient(clock: Pick<Clock, 'after' | 'every'>): ApiClient {
  const client = createHttpClient({ maxConnections, clock });
  return async (endpoint, body, cookies) => {
    const { url, timeoutMs, maxBodyBytes } = endpoint;
    const cookie = cookies?.header();
    const response = await client.request({
      url,
      method: body ? 'POST' : 'GET',
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...(cookie !== undefined && { cookie }),
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
      timeoutMs,
      maxBodyBytes,
      readsBody: isSuccess,
    });
    if (response.kind !== 'response') return failedAt(endpoint, describeFailure(response, endpoint));
    cookies?.store(response.headers['set-cookie'] ?? []);
    const { status } = response;
    if (isSuccess(status)) return { kind: 'accepted', text: utf8.decode(response.body) };
    if (rejectionStatuses.has(status)) return { kind: 'refused', status };
    return failedAt(endpoint, `it answered ${status}`);
  };
}

const utf8 = new TextDecoder();

/** Bodies of other responses are not read. */
const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** `why` must hold no secret. */
export function failedAt({ system, url }: ApiEndpoint, why: string): UpstreamFailure {
  return {
    kind: 'failed',
    reason: `the ${system} at ${redactUrl(url)} failed: ${why}`,
    publicReason: `the ${system} failed: ${why}`,
  };
}

/** The URL without user, password, query and fragment, for messages. */
function redactUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

// The developer API, which knows developers, and the back end, which knows the user of a number. Used by outgoing
// SMS and by publishing.

import { createHash } from 'node:crypto';
import type { UserDirectory, UserLookup } from '../domain/inbound/ports.ts';
import type { CredentialCheck, DeveloperApi } from '../domain/outgoing/ports.ts';
import type { Clock } from '../domain/shared/ports.ts';
import type { UpstreamFailure } from '../domain/shared/upstream-failure.ts';
import { isObject, tryParseJson } from '../lib/json.ts';
import {
  type ApiClient,
  type ApiEndpoint,
  type ApiResponse,
  createApiClient,
  failedAt,
} from './api-client.ts';
import { createCoalescingCache } from './coalescing-cache.ts';
import { type CookieJar, createCookieJar } from './cookie-jar.ts';

const maxBodyBytes = 64 * 1024;
/** Milliseconds for which correct credentials are cached, so that many SMS do not cause as many sign-ins. */
const credentialsTtlMs = 60_000;
/** Milliseconds for which an unknown number is cached at most: its user may be registering just now. */
const unknownNumberTtlMs = 30_000;
/** Milliseconds after which swob signs in again. */
const sessionTtlMs = 600_000;
/**
 * Milliseconds for which a sign-in counts as fresh: a 403 then means an unknown number and not an expired session. Not
 * zero, so that SMS of strangers do not cost a sign-in each.
 */
const freshSignInMs = 60_000;

export interface UserDirectoryOptions {
  readonly authenticationUrl: string;
  /** Our own credentials for the back end; with an empty id requests carry none. */
  readonly authId: string;
  readonly authKey: string;
  /** Milliseconds for each response of the developer API, including the body. */
  readonly authTimeoutMs: number;
  readonly backendUrl: string;
  /** Milliseconds for each response of the back end, including the body. */
  readonly backendTimeoutMs: number;
  /** Milliseconds for which the user of a number is cached; 0 disables the cache. */
  readonly cacheTtlMs: number;
  readonly clock: Clock;
}

/** Our own sign-in at the developer API; times are monotonic. */
interface SignIn {
  readonly kind: 'signed in';
  readonly cookies: CookieJar;
  readonly at: number;
}

interface Session {
  readonly signIn: Promise<SignIn | UpstreamFailure>;
  readonly startedAt: number;
}

export function createUserDirectory(options: UserDirectoryOptions): UserDirectory & DeveloperApi {
  const { clock, cacheTtlMs } = options;
  const developerApi: ApiEndpoint = {
    system: 'developer API',
    url: options.authenticationUrl,
    timeoutMs: options.authTimeoutMs,
    maxBodyBytes,
  };
  const backend: ApiEndpoint = {
    system: 'back end',
    url: options.backendUrl,
    timeoutMs: options.backendTimeoutMs,
    maxBodyBytes,
  };
  const credentials = createCoalescingCache<CredentialCheck>({
    clock,
    ttlMs: ({ kind }) => (kind === 'accepted' ? credentialsTtlMs : 0),
    onOverload: () => overloaded('developer API'),
  });
  const lookupTtlsMs: Readonly<Record<UserLookup['kind'], number>> = {
    found: cacheTtlMs,
    unknown: Math.min(cacheTtlMs, unknownNumberTtlMs),
    failed: 0,
    overloaded: 0,
  };
  const users = createCoalescingCache<UserLookup>({
    clock,
    ttlMs: ({ kind }) => lookupTtlsMs[kind],
    onOverload: () => overloaded('back end'),
  });
  const call = createApiClient(clock);
  const requestBackend = createBackendClient(options, call, developerApi, backend);
  const lookUp = async (msisdn: string): Promise<UserLookup> => {
    const response = await requestBackend({ phone_number: msisdn });
    if (response.kind === 'accepted') return readLookup(backend, response.text);
    return response.kind === 'refused' ? { kind: 'unknown' } : response;
  };

  return {
    authenticate: async (authId, authKey) =>
      // By digest, so that no auth_key stays in memory.
      credentials.get(digest(authId, authKey), async () => {
        const response = await call(developerApi, { auth_id: authId, auth_key: authKey });
        return response.kind === 'failed' ? response : { kind: response.kind };
      }),
    userOf: (msisdn) => users.get(msisdn, () => lookUp(msisdn)),
  };
}

/**
 * Sends requests to the back end, signed in when there are credentials; a rejected session is renewed once. Fails when a
 * fresh session is rejected with 401.
 */
function createBackendClient(
  { authId, authKey, clock }: UserDirectoryOptions,
  call: ApiClient,
  developerApi: ApiEndpoint,
  backend: ApiEndpoint,
): (body: object) => Promise<ApiResponse> {
  let session: Session | undefined;

  const signIn = async (): Promise<SignIn | UpstreamFailure> => {
    const cookies = createCookieJar(() => clock.now());
    const response = await call(developerApi, { auth_id: authId, auth_key: authKey }, cookies);
    if (response.kind === 'failed') return response;
    if (response.kind === 'accepted') return { kind: 'signed in', cookies, at: clock.monotonic() };
    const why = `it answered ${response.status}: [dev_api] auth_id/auth_key are refused`;
    return failedAt(developerApi, why);
  };
  const currentSession = (maxAgeMs: number): Session => {
    if (!session || clock.monotonic() - session.startedAt >= maxAgeMs) {
      const opening = { signIn: signIn(), startedAt: clock.monotonic() };
      const forgetFailed = (signedIn: SignIn | UpstreamFailure): void => {
        if (signedIn.kind === 'failed') forget(opening);
      };
      opening.signIn.then(forgetFailed, () => forget(opening));
      session = opening;
    }
    return session;
  };
  /** Unless it was replaced meanwhile. */
  const forget = (ended: Session): void => {
    if (session === ended) session = undefined;
  };

  return async (body) => {
    if (authId === '') {
      const response = await call(backend, body);
      if (!isRefused(response, 401)) return response;
      return failedAt(backend, 'it answered 401; set [dev_api] auth_id and auth_key');
    }
    const used = currentSession(sessionTtlMs);
    const signedIn = await used.signIn;
    if (signedIn.kind === 'failed') return signedIn;
    const isFresh = clock.monotonic() - signedIn.at < freshSignInMs;
    const first = await call(backend, body, signedIn.cookies);
    if (!isRefused(first, 401) && (isFresh || !isRefused(first, 403))) return first;
    forget(used);
    const renewed = await currentSession(freshSignInMs).signIn;
    if (renewed.kind === 'failed') return renewed;
    const second = await call(backend, body, renewed.cookies);
    if (!isRefused(second, 401)) return second;
    return failedAt(backend, 'it answered 401: [dev_api] auth_id/auth_key are refused');
  };
}

function isRefused(response: ApiResponse, status: number): boolean {
  return response.kind === 'refused' && response.status === status;
}

/** `text` is the body of a 2xx. */
function readLookup(backend: ApiEndpoint, text: string): UserLookup {
  const json = tryParseJson(text);
  if (json === undefined) return failedAt(backend, 'its response is not JSON');
  // The back end's response for an unknown number.
  if (Array.isArray(json) && json.length === 0) return { kind: 'unknown' };
  const userId = isObject(json) ? json.user_id : undefined;
  if (typeof userId !== 'string') return failedAt(backend, 'its response has no text user_id');
  if (/^(?!\.{1,2}$)[A-Za-z0-9_.+-]{1,128}$/.test(userId)) return { kind: 'found', userId };
  return failedAt(backend, 'its user_id is not 1 to 128 of A-Z a-z 0-9 _ . + -');
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

/** The system works, and requests will be accepted again in a moment. */
function overloaded(system: string) {
  return {
    kind: 'overloaded',
    reason: `too many requests to the ${system} are in flight; try again`,
  } as const;
}

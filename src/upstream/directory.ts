// The developer API, which knows developers, and the back end, which knows the user of a number. Used by outgoing
// SMS and by publishing.

import { createHash } from 'node:crypto';
import type { Clock } from '../domain/ports.ts';
import type { DeveloperApi, UserDirectory } from '../domain/upstreams.ts';
import { SwobError } from '../errors.ts';
import { createAnswers } from './answers.ts';
import {
  type Call,
  type Cookies,
  createCall,
  createCookies,
  failure,
  isObject,
  jsonIn,
  type Reply,
  type Target,
} from './cookie-call.ts';

const maxBodyBytes = 64 * 1024;
/** Milliseconds for which right credentials are remembered, lest a flood of SMS be one of sign-ins. */
const credentialsTtlMs = 60_000;
/** The longest that a number counts as nobody's, in milliseconds: its user may just be registering. */
const nobodyTtlMs = 30_000;
/** Milliseconds after which we sign in again. */
const sessionTtlMs = 600_000;
/** Calls after which we sign in again: each answer may add cookies to the jar. */
const sessionCalls = 1_000;

export interface DirectoryOptions {
  readonly authenticationUrl: string;
  /** Our own credentials, for asking the back end; with an empty id it is asked without. */
  readonly authId: string;
  readonly authKey: string;
  /** Milliseconds for each answer of the developer API, body included. */
  readonly authTimeoutMs: number;
  readonly backendUrl: string;
  /** Milliseconds for each answer of the back end, body included. */
  readonly backendTimeoutMs: number;
  /** Milliseconds for which the user of a number is remembered; 0 asks each time. */
  readonly cacheTtlMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Our own sign-in at the developer API. */
interface Session {
  readonly opened: Promise<Cookies>;
  /** By the monotonic clock. */
  readonly until: number;
  callsLeft: number;
}

export function createDirectory(options: DirectoryOptions): UserDirectory & DeveloperApi {
  const { clock, cacheTtlMs } = options;
  const developerApi: Target = {
    system: 'developer API',
    url: options.authenticationUrl,
    timeoutMs: options.authTimeoutMs,
    maxBodyBytes,
  };
  const backend: Target = {
    system: 'back end',
    url: options.backendUrl,
    timeoutMs: options.backendTimeoutMs,
    maxBodyBytes,
  };
  const credentials = createAnswers<boolean>({
    clock,
    keepMs: (right) => (right ? credentialsTtlMs : 0),
    tooMany: () => tooMany('developer API'),
  });
  const users = createAnswers<string | undefined>({
    clock,
    keepMs: (user) => (user === undefined ? Math.min(cacheTtlMs, nobodyTtlMs) : cacheTtlMs),
    tooMany: () => tooMany('back end'),
  });
  const call = createCall();
  const ask = asking(options, call, developerApi, backend);

  return {
    authenticate: (authId, authKey) =>
      // As a digest, so that no key stays in memory.
      credentials.get(digest(authId, authKey), async () => {
        const { refused } = await call(developerApi, { auth_id: authId, auth_key: authKey });
        return refused === undefined;
      }),
    userOf: (msisdn) =>
      users.get(msisdn, async () => {
        const { text } = await ask({ phone_number: msisdn });
        return text === undefined ? undefined : userIn(backend, text);
      }),
  };
}

/** Asks the back end, signed in when we have credentials. Throws UPSTREAM when they are refused. */
function asking(
  { authId, authKey, clock }: DirectoryOptions,
  call: Call,
  developerApi: Target,
  backend: Target,
): (question: object) => Promise<Reply> {
  let session: Session | undefined;

  const signIn = async (): Promise<Cookies> => {
    const cookies = createCookies();
    const { refused } = await call(developerApi, { auth_id: authId, auth_key: authKey }, cookies);
    if (refused === undefined) return cookies;
    throw failure(developerApi, `it answered ${refused}: [dev_api] auth_id/auth_key are refused`);
  };
  const currentSession = (): Session => {
    if (!session || session.callsLeft === 0 || clock.monotonic() >= session.until) {
      const opening = { opened: signIn(), until: clock.monotonic() + sessionTtlMs, callsLeft: sessionCalls };
      opening.opened.catch(() => forget(opening));
      session = opening;
    }
    session.callsLeft -= 1;
    return session;
  };
  /** Unless another one has taken its place. */
  const forget = (ended: Session): void => {
    if (session === ended) session = undefined;
  };

  return async (question) => {
    if (authId === '') {
      const reply = await call(backend, question);
      if (!isRefusedToUs(reply)) return reply;
      throw failure(backend, `it answered ${reply.refused}; set [dev_api] auth_id and auth_key`);
    }
    const used = currentSession();
    const first = await call(backend, question, await used.opened);
    if (!isRefusedToUs(first)) return first;
    forget(used);
    const second = await call(backend, question, await currentSession().opened);
    if (!isRefusedToUs(second)) return second;
    throw failure(backend, `it answered ${second.refused}: [dev_api] auth_id/auth_key are refused`);
  };
}

/** It says nothing of the number: an SMS is not lost because we may not ask. */
function isRefusedToUs({ refused }: Reply): boolean {
  return refused === 401 || refused === 403;
}

function userIn(backend: Target, text: string): string {
  const json = jsonIn(backend, text);
  const user = isObject(json) ? json.user_id : undefined;
  if (typeof user !== 'string') throw failure(backend, 'its answer has no text user_id');
  if (/^(?!\.{1,2}$)[A-Za-z0-9_.+-]{1,128}$/.test(user)) return user;
  throw failure(backend, 'its user_id is not 1 to 128 of A-Z a-z 0-9 _ . + -');
}

function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

/** Not UPSTREAM: nothing is wrong there, and a moment later there is room. */
function tooMany(system: string): SwobError {
  return new SwobError('UNAVAILABLE', `too many questions to the ${system} are under way; try again`, {
    retryAfter: 1,
  });
}

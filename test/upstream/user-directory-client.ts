// The developer API and the back end for tests of their client: the stub, or a server whose responses a test defines.

import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { upstreamError } from '../../src/domain/shared/upstream-failure.ts';
import { SwobError } from '../../src/errors.ts';
import { type DeveloperStubOptions, startDeveloperStub } from '../../src/stubs/developer.ts';
import { createUserDirectory, type UserDirectoryOptions } from '../../src/upstream/user-directory.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Handler, respondWith, startHostileServer } from './hostile-server.ts';
import { upstreamFailure } from './upstream-failure.ts';

export const key = 'hunter2 "key" \\ ✓';
export const number = '+237650000001';
/** Statuses that reject a request. */
export const refusals = [400, 401, 403, 404, 422];

const developers = new Map([
  ['ours', 'our-secret'],
  ['dev', key],
]);
const numbers = new Map([[number, 'alice']]);

export function directoryAt(url: string, options: Partial<UserDirectoryOptions> = {}) {
  const clock = createFakeClock();
  const directory = createUserDirectory({
    authenticationUrl: `${url}/v1/authenticate`,
    authId: 'ours',
    authKey: 'our-secret',
    authTimeoutMs: 60_000,
    backendUrl: `${url}/users`,
    backendTimeoutMs: 60_000,
    cacheTtlMs: 600_000,
    // Timeouts use the real clock, because some servers never respond.
    clock: { ...clock, after: systemClock.after },
    ...options,
  });
  /** The user of a number, or undefined; rejects with the reason when the lookup fails. */
  const userOf = async (msisdn: string): Promise<string | undefined> => {
    const lookup = await directory.userOf(msisdn);
    if (lookup.kind === 'found') return lookup.userId;
    if (lookup.kind === 'unknown') return undefined;
    throw new SwobError(lookup.kind === 'failed' ? 'UPSTREAM' : 'UNAVAILABLE', lookup.reason);
  };
  /** Whether credentials are accepted; throws when they cannot be checked. */
  const authenticate = async (authId: string, authKey: string): Promise<boolean> => {
    const check = await directory.authenticate(authId, authKey);
    if (check.kind === 'failed') throw upstreamError(check);
    if (check.kind === 'overloaded') throw new SwobError('UNAVAILABLE', check.reason);
    return check.kind === 'accepted';
  };
  return { authenticate, userOf, clock };
}

export async function startStub(options: Partial<DeveloperStubOptions> = {}) {
  const stub = await startDeveloperStub({ host: '127.0.0.1', port: 0, developers, numbers, ...options });
  onTestFinished(() => stub.close());
  /** The requests so far: `auth` or the number. */
  const received = () => stub.requests().map(({ phone_number }) => phone_number ?? 'auth');
  return { ...stub, received };
}

export const signedIn = respondWith(200, '{}', { 'set-cookie': 'session=chocolate; HttpOnly; Path=/' });

export async function startServer(handlers: { authenticate?: Handler; users?: Handler }) {
  const server = await startHostileServer({
    'POST /v1/authenticate': handlers.authenticate ?? signedIn,
    'POST /users': handlers.users ?? respondWith(200, '{"user_id":"alice"}'),
  });
  const paths = () => server.requests.map(({ path }) => path);
  return { ...server, paths };
}

export const failureOf = (promise: Promise<unknown>): Promise<string> =>
  upstreamFailure(promise, [key, 'hunter2', 'our-secret', 'chocolate', 'api-secret']);

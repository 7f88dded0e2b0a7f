// The user management API for tests of its client: a server whose responses a test defines.

import { systemClock } from '../../src/app/system-clock.ts';
import type { Clock } from '../../src/domain/shared/ports.ts';
import { upstreamError } from '../../src/domain/shared/upstream-failure.ts';
import { createUserApi } from '../../src/upstream/user-api.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { type Handler, respondWith, startHostileServer } from './hostile-server.ts';
import { upstreamFailure } from './upstream-failure.ts';

export const timeoutMs = 60_000;

export const password = 'correct horse "battery" \\ ✓';

/** Timeouts use the real clock unless `clock` is given, because some servers never respond. */
export function apiAt(
  url: string,
  { query = '', clock }: { readonly query?: string; readonly clock?: Clock } = {},
) {
  const api = createUserApi({
    apiUrl: url,
    verificationUrl: `${url}/v2/users/%s/verify${query}`,
    platformsUrl: `${url}/v2/users/%s/platforms${query}`,
    timeoutMs,
    clock: clock ?? { ...createFakeClock(), after: systemClock.after },
  });
  /** The platforms, or undefined when the password is refused; throws when the API fails. */
  const authenticate = async (userId: string, tried: string) => {
    const result = await api.authenticate(userId, tried);
    if (result.kind === 'failed') throw upstreamError(result);
    return result.kind === 'accepted' ? result.platforms : undefined;
  };
  return { authenticate };
}

export const verified = respondWith(200, '{}', { 'set-cookie': 'session=chocolate; HttpOnly; Path=/' });

export const startServer = (handlers: { verify?: Handler; platforms?: Handler }) =>
  startHostileServer({
    'POST /v2/users/u1/verify': handlers.verify ?? verified,
    'GET /v2/users/u1/platforms': handlers.platforms ?? respondWith(200, '{"saved_platforms":[]}'),
  });

export const failureOf = (promise: Promise<unknown>): Promise<string> =>
  upstreamFailure(promise, [password, 'chocolate', 'api-secret', 'hunter2']);

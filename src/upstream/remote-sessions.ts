// The sessions of a sync service whose gateway runs in another process, over the old wire protocol's
// `PUT …/sessions/<id>`, which responds with a new id.

import type { ConnectionOptions } from 'node:tls';
import { isSessionFailure, type SessionFailure, type SyncSessions } from '../domain/pairing/sync-ports.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { type ServiceUrls, sessionPath } from '../domain/shared/urls.ts';
import { createHttpClient, describeFailure } from './http-client.ts';
import { userAgent } from './user-agent.ts';

const maxBodyBytes = 4_096;
/** Rotations are far apart, and each takes a moment. */
const maxConnections = 64;

export interface RemoteSessionsOptions {
  readonly addresses: ServiceUrls;
  /** Trusts the certificate of the gateway; undefined without TLS. */
  readonly tls: (() => ConnectionOptions) | undefined;
  readonly timeoutMs: number;
  /** In production a session is checked, and so replaced, before its first URL is shown. */
  readonly production: boolean;
  readonly clock: Pick<Clock, 'after' | 'every'>;
}

export function createRemoteSyncSessions({
  addresses,
  tls,
  timeoutMs,
  production,
  clock,
}: RemoteSessionsOptions): SyncSessions {
  const client = createHttpClient({ maxConnections, tls, clock });
  const limits = { timeoutMs, maxBodyBytes };
  const replace = async (userId: string, sessionId: string) => {
    const url = `${addresses.gateway()}${sessionPath(userId, sessionId)}`;
    const failed = (why: string): SessionFailure => ({
      kind: 'failed',
      reason: `the gateway at ${addresses.gateway()} failed: ${why}`,
    });
    const result = await client.request({
      url,
      method: 'PUT',
      headers: { 'user-agent': userAgent },
      ...limits,
    });
    if (result.kind !== 'response') return failed(describeFailure(result, limits));
    const { status } = result;
    const body = result.body.toString('utf8').trim();
    if (status === 200 && /^[A-Za-z0-9_.+-]{1,64}$/.test(body)) {
      return { sessionId: body, state: 'open' } as const;
    }
    // 429: this process has requested too many unknown sessions, so this one is unknown too.
    if (status === 404 || status === 429) return 'unknown';
    if (status === 409) {
      return { sessionId, state: body === 'session is paired' ? 'paired' : 'paused' } as const;
    }
    return failed(`it answered ${status} to the request for a new session id`);
  };

  return {
    attach: async (userId, sessionId) => {
      // Old gateways cannot be queried without replacing the session, which some versions fail to do. In testing, a
      // session that no gateway can have opened is replaced by one that works.
      if (!production && /^[0-9a-f]{32}$/.test(sessionId)) return { sessionId, state: 'open' };
      return replace(userId, sessionId);
    },
    rotate: ({ userId, sessionId }) => replace(userId, sessionId),
    // The gateway cannot be queried without replacing the session.
    stateOf: async () => 'unknown',
    close: async ({ userId, sessionId }) => {
      const outcome = await replace(userId, sessionId);
      if (outcome === 'unknown') return 'ended';
      return isSessionFailure(outcome) || outcome.state !== 'open' ? outcome : 'ended';
    },
  };
}

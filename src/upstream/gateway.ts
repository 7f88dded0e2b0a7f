// A sync service's view of its sessions when the gateway is another process: the old wire protocol's
// `PUT …/sessions/<id>`, which answers a new id.

import fetch from 'node-fetch';
import { type Addresses, sessionPath } from '../domain/addresses.ts';
import type { SyncSessions } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';

export interface RemoteSessionsOptions {
  readonly addresses: Addresses;
  readonly timeoutMs: number;
  /** In production a session is checked (and replaced) before its first URL is shown. */
  readonly production: boolean;
}

export function createRemoteSyncSessions({
  addresses,
  timeoutMs,
  production,
}: RemoteSessionsOptions): SyncSessions {
  const put: SyncSessions['rotate'] = async (userId, sessionId) => {
    const url = `${addresses.gateway()}${sessionPath(userId, sessionId)}`;
    let status: number;
    let body: string;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { method: 'PUT', redirect: 'error', size: 4_096, signal });
      status = response.status;
      body = (await response.text()).trim();
    } catch (error) {
      throw new SwobError('UPSTREAM', `the gateway at ${addresses.gateway()} failed: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (status === 200 && /^[A-Za-z0-9_.+-]{1,64}$/.test(body)) return { sessionId: body };
    if (status === 404) return 'unknown';
    if (status === 409) return body === 'session is paired' ? 'paired' : 'paused';
    throw new SwobError(
      'UPSTREAM',
      `the gateway at ${addresses.gateway()} answered ${status} to a new session id`,
    );
  };

  return {
    attach: async (userId, sessionId) => {
      // A gateway of old cannot be asked without replacing the session, and forgets to in some versions.
      if (!production) return { sessionId, state: 'open' };
      const outcome = await put(userId, sessionId);
      if (outcome === 'unknown') return outcome;
      return typeof outcome === 'string' ? { sessionId, state: outcome } : { ...outcome, state: 'open' };
    },
    rotate: put,
    end: async (userId, sessionId) => {
      const outcome = await put(userId, sessionId);
      return outcome === 'paused' || outcome === 'paired' ? outcome : 'ended';
    },
  };
}

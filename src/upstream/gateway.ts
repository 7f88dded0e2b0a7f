// A sync service's view of its sessions when the gateway is another process: the old wire protocol's
// `PUT …/sessions/<id>`, which answers a new id.

import type { Agent } from 'node:https';
import fetch from 'node-fetch';
import { type Addresses, sessionPath } from '../domain/addresses.ts';
import type { SyncSessions } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';
import { fetchReason } from './fetch-reason.ts';

const maxBodyBytes = 4_096;

export interface RemoteSessionsOptions {
  readonly addresses: Addresses;
  /** Trusts the certificate of the gateway; undefined without TLS. */
  readonly agent: Agent | undefined;
  readonly timeoutMs: number;
  /** In production a session is checked (and replaced) before its first URL is shown. */
  readonly production: boolean;
}

export function createRemoteSyncSessions({
  addresses,
  agent,
  timeoutMs,
  production,
}: RemoteSessionsOptions): SyncSessions {
  const replace = async (userId: string, sessionId: string) => {
    const url = `${addresses.gateway()}${sessionPath(userId, sessionId)}`;
    const failed = (why: string): SwobError =>
      new SwobError('UPSTREAM', `the gateway at ${addresses.gateway()} failed: ${why}`);
    const signal = AbortSignal.timeout(timeoutMs);
    const init = { method: 'PUT', redirect: 'error', size: maxBodyBytes, signal } as const;
    let status: number;
    let body: string;
    try {
      const response = await fetch(url, { ...init, ...(agent && { agent }) });
      status = response.status;
      body = (await response.text()).trim();
    } catch (error) {
      throw failed(signal.aborted ? `no answer within ${timeoutMs} ms` : fetchReason(error, maxBodyBytes));
    }
    if (status === 200 && /^[A-Za-z0-9_.+-]{1,64}$/.test(body)) return { sessionId: body } as const;
    // 429: this process has asked for too many that do not exist; another such is no news.
    if (status === 404 || status === 429) return 'unknown';
    if (status === 409) return body === 'session is paired' ? 'paired' : 'paused';
    throw failed(`it answered ${status} to the wish for a new session id`);
  };

  return {
    attach: async (userId, sessionId) => {
      // A gateway of old cannot be asked without replacing the session, and forgets to in some versions. In
      // testing a session that no gateway can have opened is replaced by one that works.
      if (!production && /^[0-9a-f]{32}$/.test(sessionId)) return { sessionId, state: 'open' };
      const outcome = await replace(userId, sessionId);
      if (outcome === 'unknown') return outcome;
      return typeof outcome === 'string' ? { sessionId, state: outcome } : { ...outcome, state: 'open' };
    },
    rotate: ({ userId, sessionId }) => replace(userId, sessionId),
    // It cannot be asked without replacing the session.
    look: async () => 'unknown',
    end: async ({ userId, sessionId }) => {
      const outcome = await replace(userId, sessionId);
      return outcome === 'paused' || outcome === 'paired' ? outcome : 'ended';
    },
  };
}

// One server of the PCRF, over a pool of connections of its own. Used by pcrf.ts.

import type { Clock, Log } from '../domain/shared/ports.ts';
import { serviceUrl } from '../domain/shared/urls.ts';
import type { CallLimits, HostCall } from '../domain/wifi/failover.ts';
import type { BackendResult, PresenceAnswer } from '../domain/wifi/ports.ts';
import { SwobError } from '../errors.ts';
import { createConnectionPool, type PoolUnavailable, type PoolUsage } from './connection-pool.ts';
import type { HttpFailure, HttpResponse } from './http-request.ts';
import { failureOf, maxBodyBytes, type PcrfFailure, presenceIn, rejectionReason } from './pcrf-answers.ts';
import { userAgent } from './user-agent.ts';

/** No compression, so that a small body cannot become a large one. */
const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': userAgent };

export interface PcrfPoolOptions {
  /** Milliseconds for one call, from connecting to the last byte, without the wait for a free connection. */
  readonly timeoutMs: number;
  readonly pool: {
    /** Connections that are kept open, for the first calls. */
    readonly min: number;
    /** The most connections, and so calls at a time. */
    readonly max: number;
    /** Milliseconds that a call waits for a free connection. */
    readonly waitTimeoutMs: number;
  };
  readonly clock: Clock;
  readonly log: Log;
}

export interface PcrfServerOptions extends PcrfPoolOptions {
  readonly host: string;
  readonly port: number;
  /** Whether it is one of several, which messages name. */
  readonly isOneOfSeveral: boolean;
}

export interface PcrfServer {
  /** `10.0.0.1:7070` */
  readonly name: string;
  disconnect(path: string, limits: CallLimits): Promise<HostCall<BackendResult>>;
  query(path: string, limits: CallLimits): Promise<HostCall<PresenceAnswer>>;
  usage(): PoolUsage;
  /** @returns how many calls it interrupted */
  close: ReturnType<typeof createConnectionPool>['close'];
}

/** Throws CONFIG when `host` is not a host name or address. */
export function createPcrfServer(options: PcrfServerOptions): PcrfServer {
  const { host, port, timeoutMs, pool, clock, log, isOneOfSeveral } = options;
  const origin = serviceUrl('http', host, port);
  if (!/^[\w.:-]+$/.test(host) || !URL.canParse(origin)) {
    throw new SwobError('CONFIG', `[pcrf] host: ${host} is not a host name or address`);
  }
  const name = origin.slice('http://'.length);
  const label = `the PCRF at ${name}`;
  const connections = createConnectionPool({
    name: isOneOfSeveral ? `PCRF ${name}` : 'PCRF',
    ...pool,
    host,
    port,
    origin,
    connectTimeoutMs: timeoutMs,
    clock,
    log,
  });

  const request = async <T>(
    path: string,
    { waitMs, sendMs, totalMs }: CallLimits,
    read: (response: HttpResponse) => T,
    fail: (failure: PcrfFailure) => T,
  ): Promise<HostCall<T>> => {
    const result = await connections.request({
      path,
      headers,
      maxBodyBytes,
      repeatsIdleTimeout: true,
      waitTimeoutMs: waitMs,
      sendTimeoutMs: sendMs,
      timeoutMs: totalMs,
    });
    if (result.kind === 'response') return { outcome: 'answered', mayHaveActed: true, value: read(result) };
    const mayHaveActed = 'sent' in result && result.sent;
    const failure = failureOf(label, result, totalMs);
    // One server alone has the same time for both.
    if (isOneOfSeveral && result.kind === 'timeout' && !mayHaveActed)
      failure.reason = `${label} accepted no connection within ${sendMs} ms`;
    return { outcome: outcomeOf(result), mayHaveActed, value: fail(failure) };
  };

  return {
    name,
    disconnect: (path, limits) =>
      request<BackendResult>(
        path,
        limits,
        (response) => {
          const rejection = rejectionReason(response);
          return rejection === undefined
            ? { kind: 'disconnected' }
            : { kind: 'rejected', reason: `${label} ${rejection}` };
        },
        (failure) => failure,
      ),
    query: (path, limits) =>
      request<PresenceAnswer>(
        path,
        limits,
        (response) => {
          const presence = presenceIn(response);
          const reason = `${label} answered ${response.status}, which says nothing of the session`;
          return presence === 'unknown' ? { presence, reason } : { presence };
        },
        ({ reason }) => ({ presence: 'unknown', reason }),
      ),
    usage: () => connections.usage(),
    close: (deadline) => connections.close(deadline),
  };
}

/** A large response is one: the server works. */
function outcomeOf({ kind }: HttpFailure | PoolUnavailable): HostCall<never>['outcome'] {
  switch (kind) {
    case 'busy':
      return 'busy';
    case 'closed':
      return 'stopping';
    case 'too large':
      return 'answered';
    default:
      return 'failed';
  }
}

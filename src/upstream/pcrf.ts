// The PCRF, which ends Wi-Fi sessions. Used by the disconnect service.

import type { Clock, Log } from '../domain/shared/ports.ts';
import { serviceUrl } from '../domain/shared/urls.ts';
import { disconnectPath } from '../domain/wifi/pcrf-path.ts';
import type { BackendResult, Pcrf } from '../domain/wifi/ports.ts';
import { SwobError } from '../errors.ts';
import { tryParseJson } from '../lib/json.ts';
import { createConnectionPool, type PoolUnavailable, type PoolUsage } from './connection-pool.ts';
import type { HttpFailure, HttpResponse } from './http-request.ts';
import { userAgent } from './user-agent.ts';

const maxBodyBytes = 64 * 1024;
/** Characters of the PCRF's own message that are passed on. */
const maxMessageLength = 200;
/** No compression, so that a small body cannot become a large one. */
const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': userAgent };

export interface PcrfOptions {
  readonly host: string;
  readonly port: number;
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

/**
 * A client of the PCRF, whose responses are not documented: 2xx is success unless its JSON says otherwise. Throws
 * CONFIG when `host` is not a host name or address.
 */
export function createPcrf(options: PcrfOptions): Pcrf & { usage(): PoolUsage } {
  const { host, port, timeoutMs, pool, clock, log } = options;
  const origin = serviceUrl('http', host, port);
  if (!/^[\w.:-]+$/.test(host) || !URL.canParse(origin)) {
    throw new SwobError('CONFIG', `[pcrf] host: ${host} is not a host name or address`);
  }
  const label = `the PCRF at ${origin.slice('http://'.length)}`;
  const connections = createConnectionPool({
    name: 'PCRF',
    ...pool,
    host,
    port,
    origin,
    connectTimeoutMs: timeoutMs,
    clock,
    log,
  });

  return {
    name: 'pcrf',
    disconnect: async (session) => {
      const path = disconnectPath(session);
      if (path === undefined) {
        return { kind: 'bad session', reason: 'a value of the session is not well-formed text' };
      }
      const result = await connections.request({ path, headers, timeoutMs, maxBodyBytes });
      if (result.kind !== 'response') return failureOf(label, result, timeoutMs);
      const rejection = rejectionReason(result);
      return rejection === undefined
        ? { kind: 'disconnected' }
        : { kind: 'rejected', reason: `${label} ${rejection}` };
    },
    usage: () => connections.usage(),
    close: (deadline) => connections.close(deadline),
  };
}

function failureOf(name: string, failure: HttpFailure | PoolUnavailable, timeoutMs: number): BackendResult {
  switch (failure.kind) {
    case 'busy':
      return { kind: 'busy', reason: failure.message };
    case 'closed':
      return { kind: 'stopping', reason: failure.message };
    case 'timeout':
      return { kind: 'timeout', reason: `${name} did not answer within ${timeoutMs} ms` };
    case 'too large':
      return { kind: 'invalid response', reason: `${name} sent a response over ${maxBodyBytes} bytes` };
    case 'unreachable':
      return { kind: 'unreachable', reason: `${name} is unreachable (${failure.code})` };
    case 'broken':
      return {
        kind: 'invalid response',
        reason: `${name} closed the connection during its response (${failure.code})`,
      };
  }
}

/** Why a response is a failure; undefined when it is a success. */
function rejectionReason({ status, headers, body }: HttpResponse): string | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return `answered ${status} with a compressed body, which was not requested`;
  const text = new TextDecoder().decode(body);
  const parsed = tryParseJson(text);
  const message = errorMessageIn(parsed);
  if (status >= 300 && status < 400) return `answered ${status}, a redirect, which is not followed`;
  if (status < 200 || status >= 300) return message ? `answered ${status}: ${message}` : `answered ${status}`;
  if (text.trim() === '') return undefined;
  if (parsed === undefined) return `answered ${status} with a body that is not JSON`;
  if (parsed === false) return 'refused: false';
  return message === undefined ? undefined : `refused: ${message}`;
}

/** The error message in a JSON body; undefined when the body reports no error. */
function errorMessageIn(parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { success, ...members }: { success?: unknown; fail?: unknown; error?: unknown } = parsed;
  const error = [members.fail, members.error].find(isError);
  if (error !== undefined) return printable(error);
  return success === false || success === 'false' ? 'it gives no reason' : undefined;
}

/** Successful responses may hold `"error": null`, `"error": 0` and the like. */
function isError(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const oneLine = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return [...oneLine].slice(0, maxMessageLength).join('') || 'it gives no reason';
}

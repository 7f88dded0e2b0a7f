// Delivers messages to a Publisher by HTTP, and reports whether a failed request may have delivered one. Used by publisher.ts and
// relay-publisher.ts.

import type { Delivery } from '../domain/inbound/ports.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import type { Deadline } from '../lib/deadline.ts';
import { bracketHost } from '../lib/net.ts';
import { createConnectionPool, type PoolUsage } from './connection-pool.ts';
import type { HttpFailure } from './http-request.ts';
import { userAgent } from './user-agent.ts';

const maxBodyBytes = 64 * 1024;
const pool = { min: 0, waitTimeoutMs: 5_000 };
/** Messages at a time, unless the caller allows fewer. */
export const maxDeliveries = 64;
/** Milliseconds until the request must have been sent, to detect a host that drops packets before the long timeout. */
const maxSendMs = 10_000;
/** Statuses that reject the message itself. A 401 or 404 means a wrong configuration, which can be fixed. */
const rejections: ReadonlySet<number> = new Set([400, 413, 422]);

export interface HttpDeliveryOptions {
  /** Name in error messages: `Publisher`. */
  readonly name: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  /** Path, with an optional query. */
  readonly path: string;
  /** Milliseconds for one message, from connecting to the last byte, without the wait for a free connection. */
  readonly timeoutMs: number;
  /** Messages at a time; 64 unless given. */
  readonly maxConnections?: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HttpDelivery {
  /** Posts JSON with the id as `Idempotency-Key`. `beforeSend` is that of `Publisher.publish`. */
  post(id: string, body: string, beforeSend: () => Promise<void>): Promise<Delivery>;
  usage(): PoolUsage;
  close(deadline?: Deadline): Promise<number>;
}

/**
 * A client for at most `maxConnections` messages at a time. Only the status of a response counts: 2xx is success, even when the body
 * never arrives. A request that was sent completely and has no response may have been delivered. No reason quotes a
 * message or a number.
 */
export function createHttpDelivery(options: HttpDeliveryOptions): HttpDelivery {
  const { host, port, secure, path, timeoutMs, maxConnections = maxDeliveries, clock, log } = options;
  const authority = `${bracketHost(host)}:${port}`;
  const name = `the ${options.name} at ${authority}`;
  const sendTimeoutMs = Math.min(maxSendMs, timeoutMs);
  const connections = createConnectionPool({
    name: options.name,
    ...pool,
    max: maxConnections,
    host,
    port,
    origin: `${secure ? 'https' : 'http'}://${authority}`,
    tls: secure ? () => ({}) : undefined,
    connectTimeoutMs: sendTimeoutMs,
    clock,
    log,
  });

  const send = async (
    request: { readonly id: string; readonly body: string; readonly beforeSend: () => Promise<void> },
    retries: boolean,
  ): Promise<Delivery> => {
    const { id, body, beforeSend } = request;
    const headers = { 'content-type': 'application/json', 'user-agent': userAgent, 'idempotency-key': id };
    const limits = { timeoutMs, sendTimeoutMs, maxBodyBytes };
    const result = await connections.request({ method: 'POST', path, headers, body, beforeSend, ...limits });
    switch (result.kind) {
      case 'response':
        return deliveryOf(name, result.status);
      case 'busy':
      case 'closed':
        return { kind: 'not sent', reason: result.message };
      default:
        // The server had closed an idle connection, so a new one may work.
        if (retries && !result.sent && result.kind === 'broken') return send(request, false);
        return failureOf(name, result, result.sent ? timeoutMs : sendTimeoutMs);
    }
  };

  return {
    post: (id, body, beforeSend) => send({ id, body, beforeSend }, true),
    usage: () => connections.usage(),
    close: (deadline) => connections.close(deadline),
  };
}

function deliveryOf(name: string, status: number): Delivery {
  const reason = `${name} answered ${status}`;
  if (status >= 200 && status < 300) return { kind: 'published' };
  if (rejections.has(status)) return { kind: 'rejected', reason };
  return { kind: status >= 500 ? 'failed' : 'refused', reason };
}

function failureOf(name: string, failure: HttpFailure, timeoutMs: number): Delivery {
  const { status, sent } = failure;
  if (status !== undefined) return deliveryOf(name, status);
  return { kind: sent ? 'unknown' : 'not sent', reason: `${name} ${reasonOf(failure, timeoutMs)}` };
}

function reasonOf(failure: HttpFailure, timeoutMs: number): string {
  const { sent } = failure;
  switch (failure.kind) {
    case 'timeout':
      return sent
        ? `did not answer within ${timeoutMs} ms`
        : `did not take the request within ${timeoutMs} ms`;
    case 'too large':
      return `sent a response over ${maxBodyBytes} bytes`;
    case 'unreachable':
      return `is unreachable (${failure.code})`;
    case 'broken':
      return sent
        ? `closed the connection during its response (${failure.code})`
        : `closed the connection (${failure.code})`;
  }
}

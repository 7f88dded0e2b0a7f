// A bounded pool of HTTP connections to one server, each used by one request at a time. Used by pcrf.ts, publisher.ts
// and http-client.ts.
//
// It has one undici Client per connection, because undici's Pool cannot end a request whose connection is still opening, and
// passes queued requests to connections that it has already dropped.

import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client } from 'undici';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { type Deadline, noTimeLeft } from '../lib/deadline.ts';
import {
  type HttpRequestOptions,
  type HttpResult,
  type ReusedConnection,
  sendRequest,
} from './http-request.ts';
import { createWarmSockets, type WarmSockets } from './warm-sockets.ts';

/** Requests that may wait for a connection; further ones are rejected immediately. */
const maxWaiting = 10_000;

export interface ConnectionPoolOptions {
  /** Name in error messages: `PCRF`. */
  readonly name: string;
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, or https with `tls`. */
  readonly origin: string;
  /** TLS options such as further authorities, read for each connection; without it connections are plain TCP. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  /** Connections that are kept open. */
  readonly min: number;
  /** The most connections, and so requests at a time. */
  readonly max: number;
  /** Milliseconds that a request waits for a connection. */
  readonly waitTimeoutMs: number;
  /** Milliseconds within which a connection that is opened in advance must be open. */
  readonly connectTimeoutMs: number;
  /** Milliseconds after which an idle connection is closed; undici's 4 s unless given. */
  readonly idleTimeoutMs?: number;
  readonly clock: Pick<Clock, 'after' | 'every'>;
  /** Failures to keep connections open are logged there. */
  readonly log?: Log;
}

/** No connection became free in time, or swob is stopping: nothing was sent. */
export interface PoolUnavailable {
  readonly kind: 'busy' | 'closed';
  readonly message: string;
}

interface PoolRequest extends HttpRequestOptions {
  /** Milliseconds to wait for a connection; that of the pool unless given. */
  readonly waitTimeoutMs?: number;
  /** Repeats the request once on a new connection, when the server had given up a reused one before it read the request. */
  readonly repeatsIdleTimeout?: boolean;
}

export interface ConnectionPool {
  /**
   * Sends a request on a connection of its own, first come, first served. Rejects only when `beforeSend` does.
   */
  request(options: PoolRequest): Promise<HttpResult | PoolUnavailable>;
  usage(): PoolUsage;
  /**
   * Rejects the waiting requests, lets the running ones end before the deadline, then destroys every connection;
   * idempotent.
   * @returns how many requests it interrupted
   */
  close(deadline?: Deadline): Promise<number>;
}

/** The connections of a pool now, and the requests that wait for one. */
export interface PoolUsage {
  readonly inUse: number;
  readonly idle: number;
  readonly waiting: number;
}

interface Connection {
  readonly client: Client;
  /** The connection of the next request. */
  nextRequest(): ReusedConnection;
  destroy(): void;
}

export function createConnectionPool(options: ConnectionPoolOptions): ConnectionPool {
  const { name, min, max, clock } = options;
  const sockets = createWarmSockets({ ...options, min: Math.min(min, max) });
  /** Most recently used last: that one is the most likely to be still open. */
  const idle: Connection[] = [];
  const waiting = new Set<(result: Connection | PoolUnavailable) => void>();
  const running = new Set<Promise<unknown>>();
  const inUse = new Set<Connection>();
  let checkedOut = 0;
  let closed: Promise<number> | undefined;

  const busy: PoolUnavailable = {
    kind: 'busy',
    message: `all ${max} ${name} connections are busy; try again in a moment`,
  };
  const stopping: PoolUnavailable = {
    kind: 'closed',
    message: `the ${name} is no longer called: swob is shutting down`,
  };
  const checkOut = (): Connection => idle.pop() ?? createConnection(options, sockets);

  const acquire = (
    waitTimeoutMs: number,
  ): Connection | PoolUnavailable | Promise<Connection | PoolUnavailable> => {
    if (closed) return stopping;
    if (checkedOut < max) {
      checkedOut += 1;
      return checkOut();
    }
    if (waiting.size >= maxWaiting) return busy;
    return new Promise((resolve) => {
      const settle = (result: Connection | PoolUnavailable): void => {
        cancel();
        waiting.delete(settle);
        resolve(result);
      };
      const cancel = clock.after(waitTimeoutMs, () => settle(busy));
      waiting.add(settle);
    });
  };
  const release = (connection: Connection): void => {
    inUse.delete(connection);
    // After a failure the socket may still be connecting, which the client does not know.
    if (connection.client.destroyed) connection.destroy();
    else idle.push(connection);
    const [next] = waiting;
    if (next) next(checkOut());
    else checkedOut -= 1;
  };
  const send = async (poolRequest: PoolRequest): Promise<HttpResult | PoolUnavailable> => {
    const { waitTimeoutMs = options.waitTimeoutMs, repeatsIdleTimeout } = poolRequest;
    const connection = await acquire(waitTimeoutMs);
    if ('kind' in connection) return connection;
    inUse.add(connection);
    try {
      const repeatsOn = repeatsIdleTimeout ? connection.nextRequest() : undefined;
      return await sendRequest(connection.client, poolRequest, { clock, repeatsOn });
    } finally {
      release(connection);
    }
  };
  const close = async (deadline: Deadline): Promise<number> => {
    for (const settle of waiting) settle(stopping);
    const ended = Promise.allSettled(running);
    const interrupted = (await deadline.settles(ended)) ? [] : [...inUse];
    for (const connection of interrupted) connection.destroy();
    await ended;
    for (const connection of idle.splice(0)) connection.destroy();
    sockets.close();
    return interrupted.length;
  };

  return {
    request: async (request) => {
      const result = send(request);
      running.add(result);
      try {
        return await result;
      } finally {
        running.delete(result);
      }
    },
    usage: () => ({ inUse: inUse.size, idle: idle.length, waiting: waiting.size }),
    close: (deadline = noTimeLeft) => (closed ??= close(deadline)),
  };
}

/** A client over a socket that swob opens itself, so that it can be destroyed while it connects. */
export function createConnection(
  { origin, idleTimeoutMs }: { readonly origin: string; readonly idleTimeoutMs?: number },
  sockets: WarmSockets,
): Connection {
  let socket: Socket | undefined;
  let wasOpen = true;
  let renews = false;
  const client = new Client(origin, {
    pipelining: 1,
    // Off, because they use real timers; sendRequest has its own timeouts.
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(idleTimeoutMs && { keepAliveTimeout: idleTimeoutMs, keepAliveMaxTimeout: idleTimeoutMs }),
    connect: (_options, callback) => {
      const taken = renews ? sockets.open() : sockets.take();
      wasOpen = sockets.isOpen(taken);
      socket = taken;
      const onError = (error: Error): void => callback(error, null);
      taken.once('error', onError);
      // undici expects the callback after this function has returned.
      sockets.whenOpen(taken, () => {
        taken.off('error', onError);
        callback(null, taken);
      });
    },
  });
  return {
    client,
    nextRequest: () => {
      // `connect` says otherwise when the client opens a connection for this request.
      wasOpen = true;
      renews = false;
      return {
        wasOpen: () => wasOpen,
        renew: () => {
          renews = true;
        },
      };
    },
    destroy: () => {
      // The client first, so that it expects the end of its socket.
      void client.destroy();
      socket?.destroy();
    },
  };
}

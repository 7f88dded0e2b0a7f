// A bounded pool of HTTP connections to one server, each lent to one exchange at a time. Used by pcrf.ts
// and publisher.ts.
//
// One undici Client a connection instead of undici's Pool: a Pool has no way to end a request that still waits
// for its connection to open, and hands queued requests to connections that it has already given up.

import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Client } from 'undici';
import type { Clock, Log } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';
import { createSockets, type Sockets } from './sockets.ts';

/** Calls that may wait for a connection; more are refused at once. */
const maxWaiting = 10_000;
/** Milliseconds that running exchanges may go on for when closing: nobody waits for their answers any more. */
const closingMs = 2_000;

export interface ConnectionsOptions {
  /** In messages: `PCRF`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `http://host:port`, or https with `tls`. */
  readonly origin: string;
  /** What to trust beyond the usual, or `{}`; without it connections are plain TCP. */
  readonly tls?: ConnectionOptions | undefined;
  /** Connections that are kept open. */
  readonly min: number;
  /** Connections at most, and so exchanges at a time. */
  readonly max: number;
  /** Milliseconds that a call waits for a connection. */
  readonly waitTimeoutMs: number;
  /** Milliseconds that a connection which nobody waits for may take to open. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Connections {
  /**
   * Runs `work` with a connection that is its own until it settles; when `work` rejects, the connection is
   * destroyed, even one that is still opening. First come, first served. Throws UNAVAILABLE when none becomes
   * free in time, or when closing.
   */
  use<T>(work: (client: Client) => Promise<T>): Promise<T>;
  usage(): PoolUsage;
  /** Refuses the calls that wait, gives the running ones 2 s, then destroys every connection; idempotent. */
  close(): Promise<void>;
}

/** Connections of a pool now, and calls that wait for one. */
export interface PoolUsage {
  readonly inUse: number;
  readonly idle: number;
  readonly waiting: number;
}

interface Connection {
  readonly client: Client;
  destroy(): void;
}

interface Waiter {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: SwobError) => void;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { name, origin, min, max, waitTimeoutMs, clock } = options;
  const sockets = createSockets({ ...options, min: Math.min(min, max) });
  /** The one that was used last is the last: it is the likeliest to be open still. */
  const idle: Connection[] = [];
  const waiting = new Set<Waiter>();
  const running = new Set<Promise<unknown>>();
  const inUse = new Set<Connection>();
  let lent = 0;
  let closed: Promise<void> | undefined;

  const busy = (): SwobError =>
    new SwobError('UNAVAILABLE', `all ${max} ${name} connections are busy; try again in a moment`);
  const lend = (): Connection => idle.pop() ?? createConnection(origin, sockets);

  const acquire = (): Connection | Promise<Connection> => {
    if (closed) throw closing(name);
    if (lent < max) {
      lent += 1;
      return lend();
    }
    if (waiting.size >= maxWaiting) throw busy();
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancel();
        waiting.delete(waiter);
      };
      const waiter: Waiter = {
        resolve: (connection) => {
          settle();
          resolve(connection);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const cancel = clock.after(waitTimeoutMs, () => waiter.reject(busy()));
      waiting.add(waiter);
    });
  };
  const release = (): void => {
    const [next] = waiting;
    if (next) next.resolve(lend());
    else lent -= 1;
  };
  const run = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const connection = await acquire();
    inUse.add(connection);
    try {
      const result = await work(connection.client);
      idle.push(connection);
      return result;
    } catch (error) {
      connection.destroy();
      throw error;
    } finally {
      inUse.delete(connection);
      release();
    }
  };
  const close = async (): Promise<void> => {
    for (const waiter of waiting) waiter.reject(closing(name));
    const cancel = clock.after(closingMs, () => {
      for (const connection of inUse) connection.destroy();
    });
    await Promise.allSettled(running);
    cancel();
    for (const connection of idle.splice(0)) connection.destroy();
    sockets.close();
  };

  return {
    use: async (work) => {
      const result = run(work);
      running.add(result);
      try {
        return await result;
      } finally {
        running.delete(result);
      }
    },
    usage: () => ({ inUse: inUse.size, idle: idle.length, waiting: waiting.size }),
    close: () => (closed ??= close()),
  };
}

function createConnection(origin: string, sockets: Sockets): Connection {
  let socket: Socket | undefined;
  const client = new Client(origin, {
    pipelining: 1,
    // Both would be real timers, one of them of 300 s: whoever borrows the connection limits the exchange.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_where, callback) => {
      const taken = sockets.take();
      socket = taken;
      const fail = (error: Error): void => callback(error, null);
      const hand = (): void => {
        taken.off('error', fail);
        callback(null, taken);
      };
      taken.once('error', fail);
      // undici expects the answer after this function's return.
      sockets.whenOpen(taken, hand);
    },
  });
  return {
    client,
    destroy: () => {
      // The client first, so that it takes its socket's end for what it is; its promise never rejects, and
      // the socket, which it does not know while that is connecting, goes on its own.
      void client.destroy();
      socket?.destroy();
    },
  };
}

function closing(name: string): SwobError {
  return new SwobError('UNAVAILABLE', `the ${name} is not called any more: swob is shutting down`);
}

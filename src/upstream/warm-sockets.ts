// TCP or TLS connections to one server, a minimum of them opened in advance. Used by connection-pool.ts and http-client.ts.

import { createConnection, isIP, type LookupFunction, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';

/** Milliseconds between two checks of the number of open connections. */
const refillIntervalMs = 5_000;
/** Idle milliseconds after which the kernel sends TCP keep-alive probes. */
const keepAliveInitialDelay = 60_000;

export interface WarmSocketsOptions {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** TLS options such as further authorities, read for each connection; without it connections are plain TCP. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  /** The system's resolver unless given. */
  readonly lookup?: LookupFunction;
  /** Connections that are opened in advance. */
  readonly min: number;
  /** Milliseconds that such a connection may take to open. */
  readonly connectTimeoutMs: number;
  readonly clock: Pick<Clock, 'after' | 'every'>;
  readonly log?: Log;
}

export interface WarmSockets {
  /** An open connection, or else a new one that may still be connecting. The caller handles its errors. */
  take(): Socket;
  /** A new connection, which may still be connecting. The caller handles its errors. */
  open(): Socket;
  /** Whether the connection is open. */
  isOpen(socket: Socket): boolean;
  /** Calls back when a taken connection is open, never synchronously. */
  whenOpen(socket: Socket, callback: () => void): void;
  /** Destroys every connection, taken ones too. */
  close(): void;
}

/**
 * Opens `min` connections in the background, and more at the next check when fewer are open, including those in use and idle
 * ones of the HTTP client. While the server is unreachable, each check makes one attempt per connection and logs its failure.
 */
export function createWarmSockets(options: WarmSocketsOptions): WarmSockets {
  const { host, port, tls, lookup, min, connectTimeoutMs, clock, log } = options;
  const openEvent = tls ? 'secureConnect' : 'connect';
  /** All connections, including those that are still connecting. */
  const open = new Set<Socket>();
  const writable = new WeakSet<Socket>();
  /** Connections that are not in use, each with a function that removes its listeners. */
  const warm = new Map<Socket, () => void>();

  const connect = (): Socket => {
    const to = { host, port, ...(lookup && { lookup }) };
    const socket = tls
      ? // SNI must not be an address; the certificate is checked against the address nevertheless.
        connectTls({ ...tls(), ...to, ...(isIP(host) === 0 && { servername: host }) })
          .setNoDelay(true)
          .setKeepAlive(true, keepAliveInitialDelay)
      : createConnection({ ...to, noDelay: true, keepAlive: true, keepAliveInitialDelay });
    open.add(socket);
    socket.once(openEvent, () => writable.add(socket));
    socket.once('close', () => {
      open.delete(socket);
      warm.delete(socket);
    });
    return socket;
  };
  const warmUp = (): void => {
    const socket = connect().unref();
    const fail = (error: Error): void => {
      log?.debug({ err: error }, `cannot keep a connection to ${host}:${port} warm: ${messageOf(error)}`);
    };
    // Any input before a request, such as a 408 or the end, makes the connection unusable.
    const drop = (): void => void socket.destroy();
    const cancel = clock.after(connectTimeoutMs, () => socket.destroy(new Error('connecting timed out')));
    socket.on('error', fail).on('readable', drop).once(openEvent, cancel).once('close', cancel);
    warm.set(socket, () => {
      cancel();
      socket.off('error', fail).off('readable', drop).off(openEvent, cancel).off('close', cancel);
    });
  };
  const refill = (): void => {
    while (open.size < min) warmUp();
  };

  refill();
  const stopRefilling = min > 0 ? clock.every(refillIntervalMs, refill) : () => {};
  return {
    take: () => {
      for (const [socket, unwatch] of warm) {
        warm.delete(socket);
        if (socket.destroyed) continue;
        unwatch();
        return socket.ref();
      }
      return connect();
    },
    open: connect,
    isOpen: (socket) => writable.has(socket),
    whenOpen: (socket, callback) => {
      if (writable.has(socket)) queueMicrotask(callback);
      else socket.once(openEvent, callback);
    },
    close: () => {
      stopRefilling();
      for (const unwatch of warm.values()) unwatch();
      for (const socket of open) socket.destroy();
    },
  };
}

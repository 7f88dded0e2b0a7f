// TCP or TLS connections to one server, a few of them opened before anybody asks. Used by connections.ts.

import { createConnection, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Clock, Log } from '../domain/ports.ts';
import { messageOf } from '../errors.ts';

/** Milliseconds between two looks at whether enough connections are open. */
const lookEvery = 5_000;
/** Idle milliseconds after which the kernel asks whether the other end is still there. */
const keepAliveInitialDelay = 60_000;

export interface SocketsOptions {
  readonly host: string;
  readonly port: number;
  /** What to trust beyond the usual, or `{}`; without it connections are plain TCP. */
  readonly tls?: ConnectionOptions | undefined;
  /** Connections that are kept open. */
  readonly min: number;
  /** Milliseconds that a warm connection may take to open. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Sockets {
  /** A warm connection, else a new one; it may still be connecting. The taker listens for its errors. */
  take(): Socket;
  /** Calls back, never at once, when a taken connection can be written to. */
  whenOpen(socket: Socket, callback: () => void): void;
  /** Destroys every connection, taken ones too. */
  close(): void;
}

/**
 * Opens `min` connections in the background. Every connection counts, idle ones of the HTTP client too; when
 * fewer are open, because the server or the client's idle limit closed some, new ones are opened at the next
 * look. A server that cannot be reached is so asked once a look and connection, and the failure is logged.
 */
export function createSockets(options: SocketsOptions): Sockets {
  const { host, port, tls, min, connectTimeoutMs, clock, log } = options;
  const openEvent = tls ? 'secureConnect' : 'connect';
  /** Those that exist, whether they can be written to yet or not. */
  const open = new Set<Socket>();
  const writable = new WeakSet<Socket>();
  /** Those that nobody has taken, each with how to stop watching over it. */
  const warm = new Map<Socket, () => void>();

  const connect = (): Socket => {
    const socket = tls
      ? // An address is no server name; the certificate is checked against it all the same.
        connectTls({ ...tls, host, port, ...(isIP(host) === 0 && { servername: host }) })
          .setNoDelay(true)
          .setKeepAlive(true, keepAliveInitialDelay)
      : createConnection({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay });
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
      log.debug({ err: error }, `cannot keep a connection to ${host}:${port} warm: ${messageOf(error)}`);
    };
    // Nothing was asked, so whatever comes (a late 408, the end) makes it useless.
    const drop = (): void => void socket.destroy();
    const cancel = clock.after(connectTimeoutMs, () => socket.destroy(new Error('connecting timed out')));
    socket.on('error', fail).on('readable', drop).once(openEvent, cancel).once('close', cancel);
    warm.set(socket, () => {
      cancel();
      socket.off('error', fail).off('readable', drop).off(openEvent, cancel).off('close', cancel);
    });
  };
  const look = (): void => {
    while (open.size < min) warmUp();
  };

  look();
  const stopLooking = clock.every(lookEvery, look);
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
    whenOpen: (socket, callback) => {
      if (writable.has(socket)) queueMicrotask(callback);
      else socket.once(openEvent, callback);
    },
    close: () => {
      stopLooking();
      for (const unwatch of warm.values()) unwatch();
      for (const socket of open) socket.destroy();
    },
  };
}

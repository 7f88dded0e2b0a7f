// A server that listens on every address that its host name resolves to: `localhost` is 127.0.0.1 and ::1 on most machines,
// and clients try either first. Used by all services and stubs.

import { createServer, isIP, type ListenOptions, Server } from 'node:net';
import { systemErrorCode } from '../errors.ts';

export interface ListenerOptions {
  /** A name or an address; empty: all addresses. */
  readonly host: string;
  /** 0: one that is free at all addresses. */
  readonly port: number;
  /** Connections that the kernel queues; Node's default when absent. */
  readonly backlog?: number;
  /** In a worker process, listens in it alone. */
  readonly exclusive?: boolean;
  /** All addresses of a name; those of the system by default. */
  readonly lookUp?: (host: string) => Promise<readonly string[]>;
}

export interface Listener {
  /** @returns the port. Rejects with the error of the system, and then listens nowhere. */
  start(): Promise<number>;
  /** Accepts no new connections; resolves when all open ones have ended. May be called again. */
  close(): Promise<void>;
}

/** For a port that is free at all addresses. */
const maxAttempts = 10;

/** Of an address that this machine does not have, such as ::1 in a container without IPv6 whose hosts file names it. */
const absenceCodes: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/**
 * `server` listens at the first address, and is given the connections at the others as if it had accepted them, so that everything
 * attached to it applies to all: limits, timeouts, certificates, websockets. Addresses that this machine does not have are left
 * out, unless it has none of them.
 */
export function createListener(
  server: Server,
  { host, port, backlog, exclusive, lookUp = lookUpAll }: ListenerOptions,
): Listener {
  const forwarders: Server[] = [];

  const listenAtAll = async (addresses: readonly string[]): Promise<number> => {
    let bound = port;
    let failure: unknown = new Error(`${host} has no address`);
    for (const address of addresses) {
      const target = server.listening ? createForwarder(server) : server;
      if (target !== server) forwarders.push(target);
      try {
        bound = await listenAt(target, { host: address, port: bound, backlog, exclusive });
      } catch (error) {
        if (!absenceCodes.includes(systemErrorCode(error))) throw error;
        failure = error;
      }
    }
    if (!server.listening) throw failure;
    return bound;
  };
  const close = async (): Promise<void> => {
    await Promise.all([server, ...forwarders].map(closeServer));
  };

  return {
    start: async () => {
      const addresses = isIP(host) !== 0 || host === '' ? [host] : [...new Set(await lookUp(host))];
      for (let attempt = 1; ; attempt++) {
        try {
          return await listenAtAll(addresses);
        } catch (error) {
          void close();
          forwarders.length = 0;
          // Another program has the port that the system chose at the first address.
          const isTaken = port === 0 && addresses.length > 1 && systemErrorCode(error) === 'EADDRINUSE';
          if (!isTaken || attempt === maxAttempts) throw error;
        }
      }
    },
    close,
  };
}

async function lookUpAll(host: string): Promise<string[]> {
  // Imported on use: the hosts of most services are addresses.
  const { lookup } = await import('node:dns/promises');
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** Gives its connections to `server`. */
function createForwarder(server: Server): Server {
  // As Node's own servers for HTTP and for HTTPS have them.
  const options = { allowHalfOpen: !('setSecureContext' in server), noDelay: true };
  const forwarder = createServer(options, (socket) => server.emit('connection', socket));
  // Once it listens, for example when no file descriptors are left.
  return forwarder.on('error', (error) => {
    if (forwarder.listening) server.emit('error', error);
  });
}

/** Settles on either event: `listen()` alone never rejects for a busy port. */
function listenAt(server: Server, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : (options.port ?? 0));
    });
  });
}

/** Not by a method of an HTTP server, which would end idle connections, also those on which a request is under way. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => void Server.prototype.close.call(server, () => resolve()));
}

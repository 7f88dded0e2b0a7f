// Tracks every TCP connection of a server, TLS handshakes included, so that none outlasts a stop: `closeAllConnections` does
// not know connections without a request. Used by server.ts and the sync service.

import type { Server, Socket } from 'node:net';

export interface TrackedSockets {
  /** Destroys the connections whose clients have sent nothing: browsers open some in reserve. */
  destroyUnused(): void;
  /** Destroys every connection. @returns how many there were */
  destroyAll(): number;
}

export function trackSockets(server: Server): TrackedSockets {
  const accepted = collect(server, 'connection');
  // With TLS: the sockets that requests arrive on, whose bytes do not include the handshake.
  const secured = collect(server, 'secureConnection');
  return {
    destroyUnused: () => {
      for (const socket of [...accepted, ...secured]) if (socket.bytesRead === 0) socket.destroy();
    },
    destroyAll: () => {
      const { size } = accepted;
      for (const socket of accepted) socket.destroy();
      return size;
    },
  };
}

/** The open sockets of this event. */
function collect(server: Server, event: 'connection' | 'secureConnection'): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  // Shared by all connections: a closure for each of them takes 250 bytes with what `once` adds.
  function onClose(this: Socket): void {
    sockets.delete(this);
  }
  server.on(event, (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', onClose);
  });
  return sockets;
}

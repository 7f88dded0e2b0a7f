// Every TCP connection of a server, TLS handshakes included, so that none can outlast a stop:
// `closeAllConnections` does not know those that have not spoken HTTP yet. Used by http and sync.

import type { Server, Socket } from 'node:net';

/** @returns a function that drops every connection */
export function trackSockets(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

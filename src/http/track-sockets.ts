// Tracks every TCP connection of a server, TLS handshakes included, so that none outlasts a stop: `closeAllConnections` does
// not know connections without a request. Used by server.ts and the sync service.

import type { Server, Socket } from 'node:net';

/** @returns a function that destroys every connection, and returns how many there were */
export function trackSockets(server: Server): () => number {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    const { size } = sockets;
    for (const socket of sockets) socket.destroy();
    return size;
  };
}

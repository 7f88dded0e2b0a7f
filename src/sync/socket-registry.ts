// Finds the socket that shows a session, for a pause or an ack. Used by server.ts.

import type { SyncSocket } from './sync-socket.ts';

export interface SocketRegistry {
  /** False when another open socket was opened with this session or shows it. */
  add(socket: SyncSocket): boolean;
  /** The socket that shows this session. */
  find(userId: string, sessionId: string): SyncSocket | undefined;
  /** To be called before `socket.sessionId` changes to `sessionId`. */
  rename(socket: SyncSocket, sessionId: string): void;
  /** Does nothing for a socket that was not added. */
  remove(socket: SyncSocket): void;
}

export function createSocketRegistry(): SocketRegistry {
  // By the session that a socket shows, and by the one of its URL, so that a second socket with that URL is detected.
  const sockets = new Map<string, SyncSocket>();
  // Unambiguous, as identifiers contain no space.
  const keyOf = (userId: string, sessionId: string): string => `${userId} ${sessionId}`;
  const removeKey = (socket: SyncSocket, sessionId: string): void => {
    const key = keyOf(socket.userId, sessionId);
    if (sockets.get(key) === socket) sockets.delete(key);
  };

  return {
    add: (socket) => {
      const key = keyOf(socket.userId, socket.initialSessionId);
      if (sockets.has(key)) return false;
      sockets.set(key, socket);
      return true;
    },
    find: (userId, sessionId) => {
      const found = sockets.get(keyOf(userId, sessionId));
      return found?.sessionId === sessionId ? found : undefined;
    },
    rename: (socket, sessionId) => {
      if (socket.sessionId !== socket.initialSessionId) removeKey(socket, socket.sessionId);
      sockets.set(keyOf(socket.userId, sessionId), socket);
    },
    remove: (socket) => {
      removeKey(socket, socket.sessionId);
      removeKey(socket, socket.initialSessionId);
    },
  };
}

// Finds the socket that shows a session, for a pause or an ack. Used by server.ts.

import { createMultimap } from '../lib/multimap.ts';
import type { SyncSocket } from './sync-socket.ts';

export interface SocketRegistry {
  /** False when another open socket was opened with this session or shows it. */
  add(socket: SyncSocket): boolean;
  /** The socket that shows this session; of several the one that has shown it last. */
  find(userId: string, sessionId: string): SyncSocket | undefined;
  /** To be called before `socket.sessionId` changes to `sessionId`. */
  rename(socket: SyncSocket, sessionId: string): void;
  /** Does nothing for a socket that was not added. */
  remove(socket: SyncSocket): void;
}

export function createSocketRegistry(): SocketRegistry {
  // By the session that a socket shows, and by the one of its URL, so that a second socket with that URL is detected. Session ids are
  // random, so that those of different users are equal only in tests; a key of both ids would be a string for each socket.
  const sockets = createMultimap<SyncSocket>();

  return {
    add: (socket) => {
      for (const { userId } of sockets.get(socket.initialSessionId)) {
        if (userId === socket.userId) return false;
      }
      sockets.add(socket.initialSessionId, socket);
      return true;
    },
    find: (userId, sessionId) => {
      let found: SyncSocket | undefined;
      for (const socket of sockets.get(sessionId)) {
        if (socket.userId === userId && socket.sessionId === sessionId) found = socket;
      }
      return found;
    },
    rename: (socket, sessionId) => {
      if (socket.sessionId !== socket.initialSessionId) sockets.delete(socket.sessionId, socket);
      sockets.add(sessionId, socket);
    },
    remove: (socket) => {
      sockets.delete(socket.sessionId, socket);
      sockets.delete(socket.initialSessionId, socket);
    },
  };
}

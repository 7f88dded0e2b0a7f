// Which connection shows which session, so that a pause or an ack finds it. Used by server.ts.

import type { Connection } from './connection.ts';

export interface Registry {
  /** False when a live connection was opened with this session or shows it now. */
  add(connection: Connection): boolean;
  /** The connection that shows this session now. */
  find(userId: string, sessionId: string): Connection | undefined;
  /** To be told before `connection.sessionId` changes. */
  rotated(connection: Connection, to: string): void;
  /** Nothing for one that was not added. */
  remove(connection: Connection): void;
}

export function createRegistry(): Registry {
  // Each connection is here by the session that it shows, and by the one of the URL that opened it, by which a second
  // socket with the same URL is told apart.
  const connections = new Map<string, Connection>();
  // Identifiers hold no space.
  const keyOf = (userId: string, sessionId: string): string => `${userId} ${sessionId}`;
  const forget = (connection: Connection, sessionId: string): void => {
    const key = keyOf(connection.userId, sessionId);
    if (connections.get(key) === connection) connections.delete(key);
  };

  return {
    add: (connection) => {
      const key = keyOf(connection.userId, connection.openedWith);
      if (connections.has(key)) return false;
      connections.set(key, connection);
      return true;
    },
    find: (userId, sessionId) => {
      const found = connections.get(keyOf(userId, sessionId));
      return found?.sessionId === sessionId ? found : undefined;
    },
    rotated: (connection, to) => {
      if (connection.sessionId !== connection.openedWith) forget(connection, connection.sessionId);
      connections.set(keyOf(connection.userId, to), connection);
    },
    remove: (connection) => {
      forget(connection, connection.sessionId);
      forget(connection, connection.openedWith);
    },
  };
}

// Which connection shows which session, so that a pause or an ack finds it. Used by server.ts.

import type { Connection } from './connection.ts';

export interface Registry {
  /** False when a live connection was opened with this session or shows it now. */
  add(userId: string, sessionId: string, connection: Connection): boolean;
  /** The connection that shows this session now. */
  find(userId: string, sessionId: string): Connection | undefined;
  rotated(userId: string, from: string, to: string): void;
  remove(connection: Connection): void;
  readonly size: number;
  all(): Iterable<Connection>;
}

interface Entry {
  readonly connection: Connection;
  /** The key of the URL that opened it: a second socket with the same URL is told apart by it. */
  readonly opened: string;
  current: string;
}

export function createRegistry(): Registry {
  const byOpened = new Map<string, Entry>();
  const byCurrent = new Map<string, Entry>();
  const entries = new Map<Connection, Entry>();
  // Identifiers hold no space.
  const keyOf = (userId: string, sessionId: string): string => `${userId} ${sessionId}`;

  return {
    add: (userId, sessionId, connection) => {
      const key = keyOf(userId, sessionId);
      if (byOpened.has(key) || byCurrent.has(key)) return false;
      const entry: Entry = { connection, opened: key, current: key };
      byOpened.set(key, entry);
      byCurrent.set(key, entry);
      entries.set(connection, entry);
      return true;
    },
    find: (userId, sessionId) => byCurrent.get(keyOf(userId, sessionId))?.connection,
    rotated: (userId, from, to) => {
      const entry = byCurrent.get(keyOf(userId, from));
      if (!entry) return;
      byCurrent.delete(entry.current);
      entry.current = keyOf(userId, to);
      byCurrent.set(entry.current, entry);
    },
    remove: (connection) => {
      const entry = entries.get(connection);
      if (!entry) return;
      entries.delete(connection);
      byOpened.delete(entry.opened);
      byCurrent.delete(entry.current);
    },
    get size() {
      return entries.size;
    },
    all: () => entries.keys(),
  };
}

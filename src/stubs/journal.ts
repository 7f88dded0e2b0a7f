// The journal of a stub: the requests that it received, for verification. Kept by stub-server.ts for every stub.

import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/shared/ports.ts';

/** A request as it is listed at `GET /__journal`. */
export interface JournalEntry {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Decoded, without secrets; of a repeated parameter the last. */
  readonly query: Readonly<Record<string, string>>;
  /** The members of a JSON body, without secrets; empty for other bodies. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Of the response; null while there is none. */
  readonly status: number | null;
}

export interface Journal {
  /** Adds a request that has just arrived. */
  add(request: Pick<IncomingMessage, 'method' | 'url'>): PendingEntry;
  /** In the order of arrival. */
  all(): JournalEntry[];
  clear(): void;
}

/** The entry of a request that is not complete yet. */
interface PendingEntry {
  body(members: Readonly<Record<string, unknown>>): void;
  /** @param status null when the connection ended without a response */
  ended(status: number | null): void;
}

/** The oldest are dropped. */
const maxEntries = 100_000;
/** UTF-16 units in all entries: what one JSON response can hold. */
const maxUnits = 64 * 1024 * 1024;
/** Members that real systems keep secret. */
const secretMembers: ReadonlySet<string> = new Set([
  'password',
  'auth_key',
  'key',
  'tag',
  'token',
  'shared_key',
]);

/** @param onEnded called when the response to a request has been sent, or will not be */
export function createJournal(
  clock: Pick<Clock, 'now'>,
  onEnded: (entry: JournalEntry) => void = () => {},
): Journal {
  const entries = new LRUCache<number, JournalEntry>({
    max: maxEntries,
    maxSize: maxUnits,
    sizeCalculation: (entry) => JSON.stringify(entry).length,
  });
  let count = 0;
  return {
    add: (request) => {
      const number = count++;
      const { method = '', url = '' } = request;
      const [path = '', ...query] = url.split('?');
      const parameters = withoutSecrets(Object.fromEntries(new URLSearchParams(query.join('?'))));
      const change = (more: Partial<JournalEntry>): void => {
        const entry = entries.peek(number);
        // It may have been dropped or cleared meanwhile.
        if (entry) entries.set(number, { ...entry, ...more });
      };
      entries.set(number, { at: clock.now(), method, path, query: parameters, body: {}, status: null });
      return {
        body: (members) => change({ body: withoutSecrets(members) }),
        ended: (status) => {
          change({ status });
          const entry = entries.peek(number);
          if (entry) onEnded(entry);
        },
      };
    },
    all: () => [...entries.entries()].sort(([a], [b]) => a - b).map(([, entry]) => entry),
    clear: () => entries.clear(),
  };
}

/** The JSON value, with `***` for what real systems keep secret, at any depth. */
export function withoutSecrets<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (name, member: unknown) => (secretMembers.has(name) ? '***' : member)),
  );
}

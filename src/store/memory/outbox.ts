// The outbox of the memory store.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import type { OutboxStore } from '../../domain/shared/ports.ts';
import type { SwobError } from '../../errors.ts';
import type { OutboxBounds } from '../options.ts';
import type { JoinOutbox } from '../process-outbox.ts';
import { createOutboxIndex } from './outbox-index.ts';

/** `full` creates the error that rejects a new entry. */
export function createMemoryOutbox<T>(
  { max }: OutboxBounds,
  full: (max: number) => SwobError,
): JoinOutbox<T> {
  const entries = new Map<string, OutboxEntry<T>>();
  const index = createOutboxIndex();

  const write = (entry: OutboxEntry<T>): void => {
    if (!entries.has(entry.id) && entries.size >= max) throw full(max);
    entries.set(entry.id, entry);
  };
  const put = (entry: OutboxEntry<T>): void => {
    const sequenced = index.sequenced(entry);
    write(sequenced);
    index.set(sequenced);
  };
  const listed = (ids: readonly string[]): OutboxEntry<T>[] => ids.flatMap((id) => entries.get(id) ?? []);
  const remove = (id: string): void => {
    entries.delete(id);
    index.delete(id);
  };

  const isDeadLetter = (id: string, since?: number): boolean => {
    const entry = entries.get(id);
    return entry?.dueAt === null && (since ?? entry.since) === entry.since;
  };

  const common: Omit<OutboxStore<T>, 'claim' | 'putClaimed' | 'settle' | 'postpone'> = {
    get: async (id) => entries.get(id),
    getDurable: async (id) => entries.get(id),
    put: async (entry) => put(entry),
    remove: async (id) => remove(id),
    removeDeadLetter: async (id, since) => {
      const isThere = isDeadLetter(id, since);
      if (isThere) remove(id);
      return isThere;
    },
    replaceDeadLetter: async (entry, since) => {
      const isThere = isDeadLetter(entry.id, since);
      if (isThere) put(entry);
      return isThere;
    },
    nextDueAt: async () => index.nextDue(),
    deadLetters: async (limit, offset) => listed(index.failed(limit, offset)),
    waiting: async (limit, offset) => listed(index.waitingIds(limit, offset)),
    countBehind: async () => index.behind,
    waitingOf: async (orderKey, limit) => listed(index.idsOf(orderKey, limit)),
    countOf: async (orderKey) => index.countOf(orderKey),
    countOfGroup: async (word) => index.countOfGroup(word),
    count: async () => ({ waiting: index.waiting, deadLetters: index.deadLetters }),
  };

  return () => {
    const me = { isGone: false };
    const store: OutboxStore<T> = {
      ...common,
      claim: async (now, limit) => index.claim(now, limit, me),
      putClaimed: async (entry) => {
        const isThere = index.has(entry.id);
        if (isThere && !index.isClaimed(entry.id, me)) return 'taken';
        if (!isThere && index.isWaitingFor(entry.orderKey)) return 'behind';
        const sequenced = index.sequenced(entry);
        write(sequenced);
        index.hold(sequenced, me);
        return 'claimed';
      },
      settle: async (id, next) => {
        if (!index.isClaimed(id, me)) return false;
        if (next) put(next);
        else remove(id);
        return true;
      },
      postpone: async (id, until) => index.putOff(id, until, me),
    };
    return { store, release: () => index.release(me) };
  };
}

// The outgoing messages of the memory store.

import type { OutgoingMessageStore } from '../../domain/outgoing/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import type { TtlBounds } from '../options.ts';
import { createMessageIndex } from './message-index.ts';

export function createMemoryMessages(
  clock: Pick<Clock, 'now' | 'monotonic'>,
  bounds: TtlBounds,
): OutgoingMessageStore {
  const { get, entry, put, remove, ofRequest, list, due, nextReviewAt, count } = createMessageIndex(
    clock,
    bounds,
  );
  return {
    ofRequest,
    list,
    due,
    nextReviewAt,
    count,
    add: async (messages) =>
      messages.filter((message) => {
        const isTaken = entry(message.id) !== undefined;
        if (!isTaken) put(message);
        return isTaken;
      }),
    get: async (id) => get(id),
    getDurable: async (id) => get(id),
    getAll: async (ids) => ids.map(get),
    replaceAll: async (successors) =>
      successors.map((next) => {
        if (entry(next.id)?.revision !== next.revision - 1) return false;
        put(next);
        return true;
      }),
    remove: async (ids) => {
      for (const id of ids) remove(id);
    },
  };
}

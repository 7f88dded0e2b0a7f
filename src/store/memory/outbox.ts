// Parcels in memory, for the memory store.

import type { Parcel } from '../../domain/model.ts';
import type { OutboxStore } from '../../domain/ports.ts';
import type { SwobError } from '../../errors.ts';
import type { OutboxBounds } from '../options.ts';
import { createOutboxIndex } from './outbox-index.ts';

/** `full` says why a new parcel is refused. */
export function createMemoryOutbox<T>(
  { max }: OutboxBounds,
  full: (max: number) => SwobError,
): OutboxStore<T> {
  const parcels = new Map<string, Parcel<T>>();
  const index = createOutboxIndex();

  const put = (parcel: Parcel<T>): void => {
    if (!parcels.has(parcel.id) && parcels.size >= max) throw full(max);
    parcels.set(parcel.id, parcel);
    index.set(parcel);
  };
  const remove = (id: string): void => {
    parcels.delete(id);
    index.delete(id);
  };

  return {
    get: async (id) => parcels.get(id),
    put: async (parcel) => put(parcel),
    remove: async (id) => remove(id),
    discard: async (id) => {
      if (parcels.get(id)?.dueAt !== null) return false;
      remove(id);
      return true;
    },
    claim: async (now, limit) => index.claim(now, limit),
    settle: async (id, next) => {
      if (next) put(next);
      else remove(id);
      return true;
    },
    putOff: async (id, until) => index.putOff(id, until),
    nextDue: async () => index.nextDue(),
    failed: async (limit) => index.failed(limit).flatMap((id) => parcels.get(id) ?? []),
    count: async () => ({ waiting: index.waiting, failed: index.givenUp }),
  };
}

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

  return {
    get: async (id) => parcels.get(id),
    put: async (parcel) => {
      if (!parcels.has(parcel.id) && parcels.size >= max) throw full(max);
      parcels.set(parcel.id, parcel);
      index.set(parcel);
    },
    remove: async (id) => {
      parcels.delete(id);
      index.delete(id);
    },
    discard: async (id) => {
      if (parcels.get(id)?.dueAt !== null) return false;
      parcels.delete(id);
      index.delete(id);
      return true;
    },
    due: async (now, limit) => index.due(now, limit),
    nextDue: async () => index.nextDue(),
    failed: async (limit) => index.failed(limit).flatMap((id) => parcels.get(id) ?? []),
    count: async () => ({ waiting: index.waiting, failed: index.givenUp }),
  };
}

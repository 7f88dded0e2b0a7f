// The audit trail of disconnects in memory. Used by the memory store.

import type { Clock } from '../../domain/shared/ports.ts';
import type { DisconnectAuditStore, DisconnectRecord } from '../../domain/wifi/audit-model.ts';
import { indexIn } from '../../lib/sorted-list.ts';
import { createDisconnectAudit, type DisconnectLog } from '../disconnect-logs.ts';
import type { AuditBounds } from '../options.ts';

/** What fits into a small heap, about 10 MB: without a durable store the trail is a convenience. */
const maxInMemory = 10_000;

export function createMemoryDisconnects(
  clock: Pick<Clock, 'monotonic'>,
  { ttlMs, max, maxUntrusted }: AuditBounds,
): DisconnectAuditStore {
  const logOf = (bound: number) => createMemoryLog(clock, ttlMs, Math.min(bound, maxInMemory));
  return createDisconnectAudit({ trusted: logOf(max), untrusted: logOf(maxUntrusted) });
}

interface HeldRecord {
  readonly record: DisconnectRecord;
  /** By the monotonic clock, so that a wrong wall clock deletes nothing. */
  readonly expiresAt: number;
}

function createMemoryLog(clock: Pick<Clock, 'monotonic'>, ttlMs: number, max: number): DisconnectLog {
  /** In the order of their ids. */
  const held: HeldRecord[] = [];
  /** In the order of their arrival: after the clock was set back, new records have lower ids than those before. */
  const arrived: HeldRecord[] = [];
  const isKept = ({ expiresAt }: HeldRecord): boolean => expiresAt > clock.monotonic();
  /** The number of records before this id. */
  const indexOf = (id: string): number => indexIn(held, ({ record }) => record.id < id);
  return {
    add: async (record) => {
      const entry = { record, expiresAt: clock.monotonic() + ttlMs };
      held.splice(indexOf(record.id), 0, entry);
      arrived.push(entry);
      let first = arrived[0];
      while (first && (held.length > max || !isKept(first))) {
        held.splice(indexOf(first.record.id), 1);
        arrived.shift();
        first = arrived[0];
      }
    },
    get: async (id) => {
      const found = held[indexOf(id)];
      return found?.record.id === id && isKept(found) ? found.record : undefined;
    },
    async *newestFirst(before) {
      const end = before === undefined ? held.length : indexOf(before);
      for (const entry of held.slice(0, end).reverse()) if (isKept(entry)) yield entry.record;
    },
  };
}

// The audit trail as operators watch it: a page at a time, read again only when it has changed, and what became of today's
// requests. Used by the console.

import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { Clock } from '../shared/ports.ts';
import type { DisconnectAuditStore, DisconnectFilters, DisconnectRecord } from './audit-model.ts';
import { createDisconnectStatistics, type DisconnectReport } from './audit-statistics.ts';

type DisconnectPage = Awaited<ReturnType<DisconnectAuditStore['list']>>;

export interface AuditTrail {
  /** What the disconnect service of this process records into. */
  readonly store: DisconnectAuditStore;
  /** At most a few seconds old where other processes record, too. */
  page(
    filters: DisconnectFilters,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<DisconnectPage>;
  get(id: string): Promise<DisconnectRecord | undefined>;
  /** Of what this process has recorded. */
  report(): DisconnectReport;
}

const maxPages = 64;
const maxRecords = 64;
const recordMs = 60_000;
/** A page is read again after this time: records expire, and other processes add some. */
const ownPageMs = 60_000;
const sharedPageMs = 4_000;

/** @param options.isShared whether other processes record into the store */
export function watchAuditTrail(
  store: DisconnectAuditStore,
  { clock, isShared }: { readonly clock: Clock; readonly isShared: boolean },
): AuditTrail {
  const statistics = createDisconnectStatistics(clock);
  // A page of an embedded store costs reading a file of up to 10,000 records, and a record never changes.
  const pages = createTtlCache<{ readonly version: number; readonly page: DisconnectPage }>(
    clock,
    isShared ? sharedPageMs : ownPageMs,
    maxPages,
  );
  const records = createTtlCache<DisconnectRecord>(clock, recordMs, maxRecords);
  let version = 0;

  const add = async (record: DisconnectRecord): Promise<void> => {
    statistics.add(record);
    try {
      await store.add(record);
    } finally {
      version++;
    }
  };
  return {
    store: { ...store, add },
    page: async (filters, page) => {
      const key = JSON.stringify([filters, page]);
      const known = pages.get(key);
      // What is recorded from here on makes the page outdated.
      const read = version;
      if (known?.version === read) return known.page;
      const found = await store.list(filters, page);
      pages.set(key, { version: read, page: found });
      return found;
    },
    get: async (id) => {
      const found = records.get(id) ?? (await store.get(id));
      if (found) records.set(id, found);
      return found;
    },
    report: statistics.report,
  };
}

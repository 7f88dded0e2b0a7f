// The audit trail as operators watch it: a page at a time, kept up to date without reading the store again and again, and what
// became of today's requests. Used by the console.

import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { Clock } from '../shared/ports.ts';
import {
  type DisconnectAuditStore,
  type DisconnectFilters,
  type DisconnectRecord,
  matchesFilters,
} from './audit-model.ts';
import { createDisconnectStatistics, type DisconnectReport } from './audit-statistics.ts';

type PageOptions = Parameters<DisconnectAuditStore['list']>[1];
type DisconnectPage = Awaited<ReturnType<DisconnectAuditStore['list']>>;

export interface AuditTrail {
  /** What the disconnect service of this process records into. */
  readonly store: DisconnectAuditStore;
  /** At most a few seconds old where other processes record, too. */
  page(filters: DisconnectFilters, options: PageOptions): Promise<DisconnectPage>;
  get(id: string): Promise<DisconnectRecord | undefined>;
  /** Of what this process has recorded. */
  report(): DisconnectReport;
}

const maxPages = 64;
const maxRecords = 64;
/** A page is read again after this time, because records expire. */
const keptMs = 60_000;
/** The same where other processes record, too: for all requests, and for a search, which may read thousands of them. */
const sharedMs = { all: 3_000, search: 15_000 };
/** The latest records of this process, of which known pages are made again. */
const maxRecent = 1_000;

interface KnownPage {
  /** How many records this process had added. */
  readonly version: number;
  /** By the monotonic clock. */
  readonly readAt: number;
  readonly page: DisconnectPage;
}

/** @param options.isShared whether other processes record into the store */
export function watchAuditTrail(
  store: DisconnectAuditStore,
  { clock, isShared }: { readonly clock: Clock; readonly isShared: boolean },
): AuditTrail {
  const statistics = createDisconnectStatistics(clock);
  // Reading a page of an embedded store takes 10,000 records of a file, and a record never changes.
  const pages = createTtlCache<KnownPage>(clock, keptMs, maxPages);
  const records = createTtlCache<DisconnectRecord>(clock, keptMs, maxRecords);
  const recent: DisconnectRecord[] = [];
  let version = 0;

  const add = async (record: DisconnectRecord): Promise<void> => {
    statistics.add(record);
    await store.add(record);
    version++;
    recent.push(record);
    if (recent.length > maxRecent) recent.shift();
  };
  /** The page with what was added since it was read; undefined when it has to be read again. */
  const renewed = (known: KnownPage, filters: DisconnectFilters, { limit, before }: PageOptions) => {
    const isSearch = Object.keys(filters).length > 0;
    const sharedKeptMs = isSearch ? sharedMs.search : sharedMs.all;
    const isOld = clock.monotonic() - known.readAt >= (isShared ? sharedKeptMs : keptMs);
    const added = version - known.version;
    if (isOld || added > recent.length) return undefined;
    const { records: shown, next } = known.page;
    // What was recorded while the page was read may be on it.
    const ids = new Set(shown.map(({ id }) => id));
    const fresh = recent.slice(recent.length - added).filter(
      (record) =>
        !ids.has(record.id) &&
        matchesFilters(record, filters) &&
        (before === undefined || record.id < before) &&
        // It belongs to a later page.
        (next === undefined || record.id > next),
    );
    if (fresh.length === 0) return known.page;
    const merged = [...fresh, ...shown].sort((a, b) => (a.id < b.id ? 1 : -1));
    const last = merged.length > limit ? merged[limit - 1]?.id : next;
    return { records: merged.slice(0, limit), ...(last !== undefined && { next: last }) };
  };
  return {
    store: { ...store, add },
    page: async (filters, options) => {
      const key = JSON.stringify([filters, options]);
      const known = pages.get(key);
      const page = known && renewed(known, filters, options);
      if (known && page) {
        pages.set(key, { ...known, version, page });
        return page;
      }
      // Before it is read, because what is recorded meanwhile may be missing in it.
      const read = { version, readAt: clock.monotonic() };
      const found = await store.list(filters, options);
      pages.set(key, { ...read, page: found });
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

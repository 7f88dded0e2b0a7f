// The audit trail of disconnects over two logs, one for records that anybody can cause. Shared by the adapters of the store.

import {
  type DisconnectAuditStore,
  type DisconnectRecord,
  isUntrusted,
  matchesFilters,
} from '../domain/wifi/audit-model.ts';

/** Records in the order of their ids, bounded by its adapter. */
export interface DisconnectLog {
  /** Durable when this resolves. */
  add(record: DisconnectRecord): Promise<void>;
  get(id: string): Promise<DisconnectRecord | undefined>;
  /** Newest first, those before an id; without expired ones. */
  newestFirst(before: string | undefined): AsyncGenerator<DisconnectRecord>;
}

/** Records that one call of `list` reads, about 5 MB. */
const maxRead = 10_000;

export function createDisconnectAudit(logs: {
  readonly trusted: DisconnectLog;
  readonly untrusted: DisconnectLog;
}): DisconnectAuditStore {
  const all = [logs.trusted, logs.untrusted];
  return {
    add: (record) => logs[isUntrusted(record) ? 'untrusted' : 'trusted'].add(record),
    get: async (id) => (await logs.trusted.get(id)) ?? logs.untrusted.get(id),
    list: async (filters, { limit, before }) => {
      const records: DisconnectRecord[] = [];
      let last: string | undefined;
      let read = 0;
      for await (const record of mergedNewestFirst(all.map((log) => log.newestFirst(before)))) {
        if (record.at < (filters.since ?? 0)) return { records };
        if (records.length === limit || read === maxRead) {
          return { records, ...(last !== undefined && { next: last }) };
        }
        if (matchesFilters(record, filters)) records.push(record);
        last = record.id;
        read++;
      }
      return { records };
    },
  };
}

/** Merges sequences that are in descending order of ids. */
async function* mergedNewestFirst(
  sequences: readonly AsyncGenerator<DisconnectRecord>[],
): AsyncGenerator<DisconnectRecord> {
  try {
    const heads = await Promise.all(sequences.map((sequence) => sequence.next()));
    for (;;) {
      let newest: number | undefined;
      for (const [index, head] of heads.entries()) {
        if (head.done) continue;
        const best = newest === undefined ? undefined : heads[newest];
        if (!best || best.done || head.value.id > best.value.id) newest = index;
      }
      const head = newest === undefined ? undefined : heads[newest];
      const sequence = newest === undefined ? undefined : sequences[newest];
      if (newest === undefined || !head || head.done || !sequence) return;
      yield head.value;
      heads[newest] = await sequence.next();
    }
  } finally {
    await Promise.all(sequences.map((sequence) => sequence.return(undefined)));
  }
}

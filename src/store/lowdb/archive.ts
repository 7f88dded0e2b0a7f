// Export and import of a lowdb store while no daemon has it open. Used by app/compose for `swob store export` and
// `import`.

import type { Seed } from '../../domain/seeds/model.ts';
import type { DisconnectRecord } from '../../domain/wifi/audit-model.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import type { ArchivedRecord, StoreArchive } from '../archive/archive.ts';
import { seedsFullError } from '../errors.ts';
import { type Guard, isCallback, isInboundSms, isOutboxEntry, isSeed, isWaitingSms } from '../guards.ts';
import { maxSeedExpiryMs, type StoreOptions } from '../options.ts';
import { closeAll, openCollections } from './collections.ts';
import { failOnDamage, parseChecked } from './damaged-files.ts';
import { openLowdbClients } from './delivering-clients.ts';
import { type LowdbDisconnectsOptions, openLowdbDisconnects } from './disconnects.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { createLpsEncoder, lpsFile, readLps } from './lps-file.ts';
import { type LpsJournalOptions, openLpsJournal } from './lps-journal.ts';
import { openFolder, previewFolder } from './open-folder.ts';
import { countRecords, openRecord, type RecordKind, recordFiles, recordName } from './record-file.ts';
import { openLowdbTests } from './reliability-tests.ts';
import { fromRecord, isUserRecord, readUserFile } from './user-record.ts';
import { openLowdbUsers } from './users.ts';

/** Files read concurrently. */
const readConcurrency = 32;

/**
 * Acquires the store's lock; with `preview` neither locks nor writes, whatever is restored. Throws as `openLowdbStore` does,
 * and when a file is damaged.
 */
export async function openLowdbArchive(
  options: StoreOptions & { readonly folder: string; readonly preview?: boolean },
): Promise<StoreArchive> {
  const open = options.preview ? previewFolder : openFolder;
  const { disk, queue, cleanShutdown, openSnapshot, release } = await open(options.folder, options);
  try {
    const folder = { disk, queue, cleanShutdown, openSnapshot };
    const opened = { ...options, ...folder, damage: failOnDamage, assertOpen: () => {} };
    const users = await openLowdbUsers(opened);
    // From here on, the files have everything.
    await users.flush();
    const collections = await openCollections(opened);
    const { receipts, responses, messages } = collections;
    const { inbound, callbacks, waitingSms } = collections.joinProcess();
    const seeds = await openSeeds(opened);
    const clients = await openLowdbClients(opened);
    const tests = await openLowdbTests(opened);
    const disconnects = await openDisconnects({ ...opened, keepsMax: true });

    async function* records(): AsyncGenerator<ArchivedRecord> {
      for await (const seed of recordsOf(disk, queue, 'seeds', isSeed, (each) => each.imsi)) {
        yield { kind: 'seeds', record: seeds.withLps(seed) };
      }
      for await (const record of recordsOf(disk, queue, 'users', isUserRecord, (each) => each.userId)) {
        yield { kind: 'users', record: fromRecord(record).user };
      }
      const isSms = isOutboxEntry(isInboundSms);
      for await (const record of recordsOf(disk, queue, 'inbound', isSms, (each) => each.id)) {
        yield { kind: 'inbound', record };
      }
      const isCall = isOutboxEntry(isCallback);
      for await (const record of recordsOf(disk, queue, 'callbacks', isCall, (each) => each.id)) {
        yield { kind: 'callbacks', record };
      }
      for await (const { key, until, value } of receipts.entries()) {
        yield { kind: 'receipts', key, until, record: value };
      }
      for (const { key, until, value } of responses.entries()) {
        yield { kind: 'responses', key, until, record: value };
      }
      for (const record of await clients.list()) yield { kind: 'clients', record };
      for (const { test } of tests.index.all()) yield { kind: 'tests', record: test };
      for await (const record of disconnects.all()) yield { kind: 'disconnects', record };
      for (const record of messages.all()) yield { kind: 'messages', record };
      const isWaiting = isOutboxEntry(isWaitingSms);
      for await (const record of recordsOf(disk, queue, 'waitingSms', isWaiting, (each) => each.id)) {
        yield { kind: 'waitingSms', record };
      }
    }

    const restore = async (item: ArchivedRecord): Promise<void> => {
      if (item.kind === 'seeds') return seeds.restore(item.record);
      if (item.kind === 'users') return users.store.put(item.record);
      if (item.kind === 'inbound') return inbound.put(item.record);
      if (item.kind === 'callbacks') return callbacks.put(item.record);
      if (item.kind === 'clients') return clients.record([item.record]);
      if (item.kind === 'tests') return tests.restore(item.record);
      if (item.kind === 'disconnects') return disconnects.restore(item.record);
      if (item.kind === 'messages') return messages.restore(item.record);
      if (item.kind === 'waitingSms') return waitingSms.put(item.record);
      const { key, until } = item;
      if (item.kind === 'receipts') return receipts.restore({ key, until, value: item.record });
      return responses.restore({ key, until, value: item.record });
    };

    const find = async (item: ArchivedRecord): Promise<ArchivedRecord | undefined> => {
      if (item.kind === 'seeds') return found(item.kind, await seeds.find(item.record.imsi));
      if (item.kind === 'users') {
        // Read from disk, because the user store caches what it has written.
        await users.flush();
        return found(item.kind, (await readUserFile(disk, item.record.userId))?.user);
      }
      if (item.kind === 'inbound') return found(item.kind, await inbound.get(item.record.id));
      if (item.kind === 'callbacks') return found(item.kind, await callbacks.get(item.record.id));
      if (item.kind === 'tests') return found(item.kind, tests.index.get(item.record.id));
      if (item.kind === 'disconnects') return found(item.kind, await disconnects.find(item.record.id));
      if (item.kind === 'messages') return found(item.kind, await messages.store.get(item.record.id));
      if (item.kind === 'waitingSms') return found(item.kind, await waitingSms.get(item.record.id));
      if (item.kind === 'clients') {
        const { msisdn } = item.record;
        return found(
          item.kind,
          (await clients.list()).find((client) => client.msisdn === msisdn),
        );
      }
      const { kind, key } = item;
      if (kind === 'receipts') {
        const entry = await receipts.find(key);
        return entry && { kind, key, until: entry.until, record: entry.value };
      }
      const entry = responses.find(key);
      return entry && { kind, key, until: entry.until, record: entry.value };
    };

    let closing: Promise<void> | undefined;
    return {
      count: async () => {
        await users.flush();
        return {
          seeds: await countRecords(disk, 'seeds'),
          users: await countRecords(disk, 'users'),
          inbound: await countRecords(disk, 'inbound'),
          callbacks: await countRecords(disk, 'callbacks'),
          receipts: receipts.count(),
          responses: await lengthOf(responses.entries()),
          clients: (await clients.list()).length,
          tests: await lengthOf(tests.index.all()),
          disconnects: await lengthOf(disconnects.all()),
          messages: await lengthOf(messages.all()),
          waitingSms: await countRecords(disk, 'waitingSms'),
        };
      },
      records,
      restore,
      find,
      close: () => {
        closing ??= closeAll(queue, [users, seeds, ...collections.parts, tests, disconnects], release);
        return closing;
      },
    };
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
}

/** The records of one kind, read a few files at a time. Throws UNAVAILABLE, naming the file, when one is damaged. */
async function* recordsOf<T>(
  disk: Disk,
  queue: DiskQueue,
  kind: RecordKind,
  isRecord: Guard<T>,
  idOf: (record: T) => string,
): AsyncGenerator<T> {
  const read = async (name: string): Promise<T | undefined> => {
    const text = await disk.read(name);
    const isOfThisFile = (value: unknown): value is T =>
      isRecord(value) && recordName(kind, idOf(value)) === name;
    return text === undefined ? undefined : parseChecked(disk, name, text, isOfThisFile);
  };
  for await (const names of recordFiles(disk, kind)) {
    const whole = names.filter((name) => name.endsWith('.json')).sort();
    for await (const record of mapConcurrent(whole, readConcurrency, (name) => queue.run(() => read(name)))) {
      if (record !== undefined) yield record;
    }
  }
}

/** Seeds with their LPS, which lps.json and its journal hold for recently active ones. */
async function openSeeds(
  options: StoreOptions & Omit<LpsJournalOptions, 'covered'> & { readonly queue: DiskQueue },
) {
  const { disk, queue, clock, seeds: bounds } = options;
  const { journal: covered, lps } = await readLps(disk);
  const journal = await openLpsJournal({ ...options, covered });
  const lpsOf = new Map([...Object.entries(lps), ...journal.found]);
  let registered = await countRecords(disk, 'seeds');
  let changed = false;
  const recordOf = (imsi: string) =>
    openRecord(disk, 'seeds', imsi, (value): value is Seed => isSeed(value) && value.imsi === imsi);
  const withLps = (seed: Seed): Seed => ({ ...seed, lps: lpsOf.get(seed.imsi) ?? seed.lps });

  const restore = async (seed: Seed): Promise<void> => {
    const { imsi, lps } = seed;
    const record = recordOf(imsi);
    await record.read();
    const isNew = record.data === null;
    if (isNew && registered >= bounds.maxRegistered) throw seedsFullError(bounds.maxRegistered);
    if (isNew) registered++;
    record.data = seed;
    await record.write();
    // Every seed in lps.json is loaded as active, and the store may be opened with another `[seeds] expiry`.
    if (clock.now() - lps * 1_000 <= maxSeedExpiryMs) lpsOf.set(imsi, lps);
    else lpsOf.delete(imsi);
    changed = true;
  };

  return {
    withLps,
    restore: (seed: Seed) => queue.runExclusive(`seed ${seed.imsi}`, () => restore(seed)),
    find: (imsi: string): Promise<Seed | undefined> =>
      queue.run(async () => {
        const record = recordOf(imsi);
        await record.read();
        return record.data ? withLps(record.data) : undefined;
      }),
    close: async (): Promise<void> => {
      const all = [...lpsOf].map(([imsi, lps]) => ({ imsi, lps }));
      if (changed) await disk.write(lpsFile, await createLpsEncoder()(all, journal.last));
      await journal.close();
    },
  };
}

/** Look-ups read all records at once, because each of them would read a file. */
async function openDisconnects(options: LowdbDisconnectsOptions) {
  const opened = await openLowdbDisconnects(options);
  const restored = new Set<string>();
  let loading: Promise<Map<string, DisconnectRecord>> | undefined;
  let isOutdated = false;
  const load = async (): Promise<Map<string, DisconnectRecord>> => {
    const records = new Map<string, DisconnectRecord>();
    for await (const record of opened.all()) records.set(record.id, record);
    return records;
  };
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  return {
    ...opened,
    find: async (id: string) => {
      // Read from disk, so that an import compares what was written.
      if (isOutdated) loading = undefined;
      isOutdated = false;
      return (await loaded()).get(id);
    },
    restore: async (record: DisconnectRecord): Promise<void> => {
      const known = await loaded();
      if (known.has(record.id) || restored.has(record.id)) return;
      restored.add(record.id);
      await opened.store.add(record);
      isOutdated = true;
    },
  };
}

function found<K extends ArchivedRecord['kind'], T>(kind: K, record: T | undefined) {
  return record === undefined ? undefined : { kind, record };
}

async function lengthOf(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<number> {
  let length = 0;
  for await (const _ of items) length++;
  return length;
}

// All that a lowdb store keeps, told and taken back, while no daemon has it. Opened by app/compose for `swob store
// export` and `import`.

import type { Seed } from '../../domain/model.ts';
import type { ArchivedRecord, StoreArchive } from '../archive.ts';
import type { StoreOptions } from '../options.ts';
import { tooManySeeds } from '../refusals.ts';
import { isCallback, isInboundSms, isParcel, isSeed, isUser, type Shape } from '../shapes.ts';
import type { Disk } from './disk.ts';
import { openFolder } from './folder.ts';
import { closeParts, openParts } from './parts.ts';
import { countRecords, openRecord, parseFile, type RecordKind, recordFiles, recordName } from './record.ts';
import { lpsFile, lpsText, readLps } from './seed-files.ts';
import { workBounds } from './store.ts';
import { createLowdbUsers, openUser } from './users.ts';
import { createWork, type Work } from './work.ts';

/** Files that are read at once. */
const readAtOnce = workBounds.width;

/** Takes the store's lock. Throws as `openLowdbStore` does. */
export async function openLowdbArchive(
  options: StoreOptions & { readonly folder: string },
): Promise<StoreArchive> {
  const { disk, release } = await openFolder(options.folder, options);
  try {
    const work = createWork(workBounds);
    const parts = await openParts(options, disk, work, () => {});
    const { inbound, callbacks, published, answers } = parts;
    const seeds = await openSeeds(disk, work, options);
    const users = createLowdbUsers(disk, work, options.clock, () => {});

    async function* records(): AsyncGenerator<ArchivedRecord> {
      for await (const seed of recordsOf(disk, work, 'seeds', isSeed, (each) => each.imsi)) {
        yield { kind: 'seeds', record: seeds.withLps(seed) };
      }
      for await (const record of recordsOf(disk, work, 'users', isUser, (each) => each.userId)) {
        yield { kind: 'users', record };
      }
      const isSms = isParcel(isInboundSms);
      for await (const record of recordsOf(disk, work, 'inbound', isSms, (each) => each.id)) {
        yield { kind: 'inbound', record };
      }
      const isCall = isParcel(isCallback);
      for await (const record of recordsOf(disk, work, 'callbacks', isCall, (each) => each.id)) {
        yield { kind: 'callbacks', record };
      }
      for (const { key, until, value } of published.entries()) {
        yield { kind: 'published', key, until, record: value };
      }
      for (const { key, until, value } of answers.entries()) {
        yield { kind: 'answers', key, until, record: value };
      }
    }

    const restore = async (item: ArchivedRecord): Promise<void> => {
      if (item.kind === 'seeds') return seeds.restore(item.record);
      if (item.kind === 'users') return users.put(item.record);
      if (item.kind === 'inbound') return inbound.put(item.record);
      if (item.kind === 'callbacks') return callbacks.put(item.record);
      const { key, until } = item;
      if (item.kind === 'published') return published.restore({ key, until, value: item.record });
      return answers.restore({ key, until, value: item.record });
    };

    const find = async (item: ArchivedRecord): Promise<ArchivedRecord | undefined> => {
      if (item.kind === 'seeds') return found(item.kind, await seeds.find(item.record.imsi));
      if (item.kind === 'users') {
        // From the disk: what was written is remembered.
        const user = openUser(disk, item.record.userId);
        await user.read();
        return found(item.kind, user.data ?? undefined);
      }
      if (item.kind === 'inbound') return found(item.kind, await inbound.get(item.record.id));
      if (item.kind === 'callbacks') return found(item.kind, await callbacks.get(item.record.id));
      const { kind, key } = item;
      if (kind === 'published') {
        const entry = published.find(key);
        return entry && { kind, key, until: entry.until, record: entry.value };
      }
      const entry = answers.find(key);
      return entry && { kind, key, until: entry.until, record: entry.value };
    };

    let closing: Promise<void> | undefined;
    return {
      count: async () => ({
        seeds: await countRecords(disk, 'seeds'),
        users: await countRecords(disk, 'users'),
        inbound: await countRecords(disk, 'inbound'),
        callbacks: await countRecords(disk, 'callbacks'),
        published: lengthOf(published.entries()),
        answers: lengthOf(answers.entries()),
      }),
      records,
      restore,
      find,
      close: () => {
        closing ??= closeParts(work, [seeds, published, answers], release);
        return closing;
      },
    };
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
}

/** The records of one kind, a few files at a time. Throws UNAVAILABLE, naming the file, when one is damaged. */
async function* recordsOf<T>(
  disk: Disk,
  work: Work,
  kind: RecordKind,
  isRecord: Shape<T>,
  idOf: (record: T) => string,
): AsyncGenerator<T> {
  const read = async (name: string): Promise<T | undefined> => {
    const text = await disk.read(name);
    const isOfThisFile = (value: unknown): value is T =>
      isRecord(value) && recordName(kind, idOf(value)) === name;
    return text === undefined ? undefined : parseFile(disk, name, text, isOfThisFile);
  };
  for await (const names of recordFiles(disk, kind)) {
    const whole = names.filter((name) => name.endsWith('.json')).sort();
    for (let start = 0; start < whole.length; start += readAtOnce) {
      const batch = whole.slice(start, start + readAtOnce);
      const records = await Promise.all(batch.map((name) => work.run(() => read(name))));
      for (const record of records) if (record !== undefined) yield record;
    }
  }
}

/** Seeds with their LPS, which is elsewhere for those that pinged lately. */
async function openSeeds(disk: Disk, work: Work, { clock, seeds: bounds }: StoreOptions) {
  const lpsOf = new Map(await readLps(disk));
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
    if (isNew && registered >= bounds.maxRegistered) throw tooManySeeds(bounds.maxRegistered);
    if (isNew) registered++;
    record.data = seed;
    await record.write();
    // The store takes those for active that are named there.
    if (clock.now() - lps * 1_000 <= bounds.activeMs) lpsOf.set(imsi, lps);
    else lpsOf.delete(imsi);
    changed = true;
  };

  return {
    withLps,
    restore: (seed: Seed) => work.inTurn(`seed ${seed.imsi}`, () => restore(seed)),
    find: (imsi: string): Promise<Seed | undefined> =>
      work.run(async () => {
        const record = recordOf(imsi);
        await record.read();
        return record.data ? withLps(record.data) : undefined;
      }),
    close: async (): Promise<void> => {
      if (changed) await disk.write(lpsFile, lpsText([...lpsOf].map(([imsi, lps]) => ({ imsi, lps }))));
    },
  };
}

function found<K extends ArchivedRecord['kind'], T>(kind: K, record: T | undefined) {
  return record === undefined ? undefined : { kind, record };
}

function lengthOf(items: Iterable<unknown>): number {
  let length = 0;
  for (const _ of items) length++;
  return length;
}

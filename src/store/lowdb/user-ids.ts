// The ids of all users in a folder, whose file names are hashes, in order: an index on disk, made when users are listed first, of
// which a list reads the part that it needs. Used by users.ts.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { createKeyedMutex } from '../../lib/concurrency.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { storeClosedError } from '../errors.ts';
import type { IdPage } from '../id-page.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { readUserIds } from './read-user-ids.ts';
import { countRecords } from './record-file.ts';
import { createSortedParts } from './sorted-parts.ts';
import { createUserIdFiles, type IdManifest, type IdPart } from './user-id-files.ts';

interface UserIdQuery {
  readonly prefix: string;
  readonly limit: number;
  readonly after: string;
}

export interface UserIds {
  /**
   * A user has a record for the first time. Resolves once the index has the id on disk, but does not wait for an index that is being
   * made. Never rejects.
   */
  add(userId: string): Promise<void>;
  /** Adds the ids to the page that it needs for its result. Throws UNAVAILABLE. */
  collect(page: IdPage, query: UserIdQuery): Promise<void>;
  /** Builds the index in the background if the folder has users but no index, like one of an earlier version. Only lists wait for it. */
  prepare(): void;
  /** Waits for what is being written. */
  close(): Promise<void>;
}

export interface UserIdsOptions {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  /** Users who may not have a file yet. */
  readonly unfiled: () => Iterable<string>;
  readonly bounds?: { readonly idsPerPart: number; readonly maxAdded: number; readonly maxRead: number };
}

/** Ids in memory until they are merged into the parts: some 2 MB, and some 10 MB while all records are read. */
const defaultBounds = { idsPerPart: 4_096, maxAdded: 20_000, maxRead: 100_000 };
/** Records that an operator restores are found after this time, in milliseconds. */
const checkedForMs = 600_000;

interface Index {
  manifest: IdManifest;
  /** Ids that no part has. */
  added: Set<string>;
  /** Former ones of `added` that are being merged. */
  merging: ReadonlySet<string>;
}

export function createUserIds(options: UserIdsOptions): UserIds {
  const { disk, queue, clock, log, unfiled, bounds = defaultBounds } = options;
  const files = createUserIdFiles(disk);
  /** One use of the parts at a time. */
  const mutex = createKeyedMutex();
  /** Those of an earlier process, which may have been killed before it added them. */
  let left = [...unfiled()].sort(byCodeUnits);
  let loading: Promise<Index | undefined> | undefined;
  let checkedUntil = Number.NEGATIVE_INFINITY;
  let mergeAbove = bounds.maxAdded;
  let isBuilding = false;
  let preparing: Promise<void> | undefined;
  let closed = false;
  /** Long work ends when the store is closed. */
  const assertOpen = (): void => {
    if (closed) throw storeClosedError();
  };
  let lastRead: { readonly part: IdPart; readonly ids: ReadonlySet<string> } | undefined;

  /** Throws when the part cannot be used. */
  const idsOf = async (part: IdPart): Promise<ReadonlySet<string>> => {
    if (lastRead?.part === part) return lastRead.ids;
    const ids = await queue.run(() => files.readPart(part));
    if (!ids) throw new UnusablePart();
    lastRead = { part, ids: new Set(ids) };
    return lastRead.ids;
  };
  const addNew = async (index: Index, userId: string): Promise<void> => {
    if (index.added.has(userId)) return;
    index.added.add(userId);
    assertOpen();
    await files.log(userId);
  };
  const load = async (): Promise<Index | undefined> => {
    const manifest = (await files.readManifest()) ?? (await firstManifest());
    if (!manifest) return undefined;
    const added = new Set(await files.readLogs(manifest.log));
    files.openLog(await files.nextNumber());
    const index: Index = { manifest, added, merging: new Set() };
    try {
      for (const userId of left) if (!(await isInPart(index, userId))) await addNew(index, userId);
    } catch (error) {
      if (!(error instanceof UnusablePart)) throw error;
      return undefined;
    }
    return index;
  };
  /** A store that has no user yet has an index from its first user on, so that all of them never need to be read. */
  const firstManifest = async (): Promise<IdManifest | undefined> => {
    if ((await disk.list('users')).length > 0) return undefined;
    const manifest = { parts: [], unreadable: 0, log: await files.nextNumber() };
    await files.writeManifest(manifest);
    return manifest;
  };
  const isInPart = async ({ manifest: { parts } }: Index, userId: string): Promise<boolean> => {
    const part = parts.findLast(({ first }) => first <= userId);
    return part !== undefined && (await idsOf(part)).has(userId);
  };
  /** What fails is tried again by the next caller. */
  const start = (job: () => Promise<Index | undefined>): Promise<Index | undefined> => {
    const started = job().catch((error: unknown) => {
      if (loading === started) loading = undefined;
      throw error;
    });
    loading = started;
    return started;
  };
  const loaded = (): Promise<Index | undefined> => loading ?? start(load);

  const writeParts = async (parts: Iterable<readonly string[]>): Promise<IdPart[]> => {
    const written: IdPart[] = [];
    for (const ids of parts) {
      assertOpen();
      written.push(await files.writePart(await files.nextNumber(), ids));
    }
    return written;
  };
  const commit = async (manifest: IdManifest): Promise<void> => {
    await files.writeManifest(manifest);
    await files.removeOthers(manifest);
  };

  /** Users who are added meanwhile wait for the index. */
  const build = async (): Promise<Index> => {
    isBuilding = true;
    try {
      return await readAllIds();
    } finally {
      isBuilding = false;
    }
  };
  const readAllIds = async (): Promise<Index> => {
    left = [];
    let parts: readonly IdPart[] = [];
    const unreadable = await readUserIds({
      ...options,
      assertOpen,
      maxInMemory: bounds.maxRead,
      onIds: async (ids) => {
        parts = await mergeParts(parts, ids);
      },
    });
    const number = await files.nextNumber();
    files.openLog(number);
    const manifest = { parts, unreadable, log: number };
    await commit(manifest);
    return { manifest, added: new Set(), merging: new Set() };
  };

  const mergeParts = async (given: readonly IdPart[], added: ReadonlySet<string>): Promise<IdPart[]> => {
    const ids = [...added].sort(byCodeUnits);
    const parts: readonly (IdPart | undefined)[] = given.length > 0 ? given : [undefined];
    const merged: IdPart[] = [];
    let next = 0;
    for (const [position, part] of parts.entries()) {
      const end = parts[position + 1]?.first;
      const found = createSortedParts(bounds.idsPerPart);
      const before = next;
      for (let id = ids[next]; id !== undefined && (end === undefined || id < end); id = ids[++next])
        found.add(id);
      if (part && next === before) {
        merged.push(part);
        continue;
      }
      for (const id of part ? await idsOf(part) : []) found.add(id);
      merged.push(...(await writeParts(found.parts())));
      await nextTurn();
    }
    return merged;
  };
  const rebuilt = (): Promise<Index | undefined> => (isBuilding ? loaded() : start(build));

  /** Writes the parts again to which ids were added. */
  const merge = async (index: Index): Promise<void> => {
    if (index.added.size <= mergeAbove) return;
    try {
      const number = await files.nextNumber();
      files.openLog(number);
      index.merging = index.added;
      index.added = new Set();
      const parts = await mergeParts(index.manifest.parts, index.merging);
      const manifest = { ...index.manifest, parts, log: number };
      await commit(manifest);
      index.manifest = manifest;
      mergeAbove = bounds.maxAdded;
    } catch (error) {
      index.added = new Set([...index.merging, ...index.added]);
      mergeAbove = index.added.size + bounds.maxAdded;
      if (error instanceof UnusablePart) loading = undefined;
      throw error;
    } finally {
      index.merging = new Set();
    }
  };

  /** Whether the index has as many users as there are records. */
  const isComplete = async ({ manifest: { parts, unreadable }, added }: Index): Promise<boolean> =>
    (await countRecords(disk, 'users')) <=
    parts.reduce((sum, { count }) => sum + count, 0) + unreadable + added.size;
  const usable = async (): Promise<Index | undefined> => {
    const index = await loaded();
    if (index && clock.monotonic() < checkedUntil) return index;
    const isUsable = index !== undefined && (await isComplete(index));
    const used = isUsable ? index : await rebuilt();
    checkedUntil = clock.monotonic() + checkedForMs;
    return used;
  };

  const prepare = async (): Promise<void> => {
    if ((await files.readManifest()) || (await disk.list('users')).length === 0) return;
    if (!(await loaded())) await rebuilt();
  };

  const collect = async (page: IdPage, { prefix, limit, after }: UserIdQuery): Promise<void> => {
    const index = await usable();
    const parts = index?.manifest.parts ?? [];
    const from = after > prefix ? after : prefix;
    const first = Math.max(
      0,
      parts.findLastIndex((part) => part.first <= from),
    );
    let found = 0;
    for (const part of parts.slice(first)) {
      if (found > limit || (part.first > from && !part.first.startsWith(prefix))) break;
      for (const id of await idsOf(part)) {
        page.add(id);
        if (id > after && id.startsWith(prefix)) found++;
      }
    }
    for (const ids of [index?.added ?? [], unfiled()]) for (const id of ids) page.add(id);
  };

  const add = async (userId: string): Promise<void> => {
    const index = await loaded();
    if (!index) return;
    await addNew(index, userId);
    if (index.added.size > mergeAbove) mutex.run('', () => merge(index)).catch(report);
  };
  /** The number of records shows that an id is missing. */
  const report = (error: unknown): void =>
    log.debug({ reason: messageOf(error) }, 'could not write the index of user ids');

  return {
    add: async (userId) => {
      const added = add(userId).catch(report);
      if (!isBuilding) await added;
    },
    collect: (page, query) =>
      mutex.run('', async () => {
        try {
          await collect(page, query);
        } catch (error) {
          if (!(error instanceof UnusablePart)) throw error;
          await rebuilt();
          await collect(page, query);
        }
      }),
    prepare: () => {
      preparing = prepare().catch((error: unknown) => {
        if (!closed)
          log.warn({ reason: messageOf(error) }, 'could not make the index of user ids; the first list does');
      });
    },
    close: async () => {
      closed = true;
      await preparing;
      await mutex.run('', async () => {});
      await files.close();
    },
  };
}

/** A part is missing or damaged, so that the index must be made again. */
class UnusablePart extends Error {}

/** As `createIdPage` orders them. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

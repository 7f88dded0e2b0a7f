// Paired users of the lowdb store: one file each, read on demand and cached for some seconds, also after a write.
// Safe because the lock excludes other writers.

import type { PairedUser } from '../../domain/pairing/model.ts';
import type { UserStore } from '../../domain/pairing/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import { isUser } from '../guards.ts';
import { createIdPage } from '../id-page.ts';
import { DamagedFileError } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { openRecord } from './record-file.ts';
import { createUserIds } from './user-ids.ts';

/** A file that an operator removes or restores may go unnoticed for this long, in milliseconds. */
const cacheTtlMs = 10_000;
/** About 2 MB. */
const maxCached = 2_000;
/** Records of a list that are read concurrently; less than the queue's concurrency. */
const listConcurrency = 8;

/** `assertOpen` throws when the store is closed. */
export function createLowdbUsers(
  disk: Disk,
  queue: DiskQueue,
  clock: Pick<Clock, 'monotonic'>,
  assertOpen: () => void,
): UserStore {
  const ids = createUserIds(disk, queue, clock);
  const recent = createTtlCache<PairedUser>(clock, cacheTtlMs, maxCached);
  /** Exclusive, so that a value read before a write is not cached after it. */
  const runExclusive = <T>(userId: string, job: () => Promise<T>): Promise<T> =>
    queue.runExclusive(`user ${userId}`, job);

  const get = async (userId: string): Promise<PairedUser | undefined> => {
    assertOpen();
    const known = recent.get(userId);
    if (known) return known;
    return runExclusive(userId, async () => {
      const record = openUser(disk, userId);
      await record.read();
      if (!record.data) return undefined;
      recent.set(userId, record.data);
      return record.data;
    });
  };

  const write = async (
    user: PairedUser,
    may: (known: PairedUser | undefined) => boolean,
  ): Promise<boolean> => {
    const record = openUser(disk, user.userId);
    const known = recent.get(user.userId);
    // A damaged record may hold the only copy of the earlier key, so it is not overwritten.
    if (!known) await record.read();
    if (!may(known ?? record.data ?? undefined)) return false;
    recent.delete(user.userId);
    record.data = user;
    await record.write();
    recent.set(user.userId, user);
    ids.add(user.userId);
    return true;
  };

  /** Not cached, because a list must not evict the users who send. Undefined when the record is damaged. */
  const readListed = async (userId: string): Promise<PairedUser | undefined> => {
    const known = recent.get(userId);
    if (known) return known;
    const record = openUser(disk, userId);
    try {
      await record.read();
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
    }
    return record.data ?? undefined;
  };

  return {
    get,
    // A failed write leaves the earlier record in place.
    getDurable: get,

    put: async (user) => {
      assertOpen();
      return runExclusive(user.userId, async () => void (await write(user, () => true)));
    },
    replace: async (user, earlier) => {
      assertOpen();
      const text = JSON.stringify(earlier);
      return runExclusive(user.userId, () => write(user, (known) => JSON.stringify(known) === text));
    },
    list: async (prefix, limit, after) => {
      assertOpen();
      const page = createIdPage(prefix, limit, after);
      await ids.collect(page);
      const found = page.result();
      const users: PairedUser[] = [];
      const read = (userId: string) => runExclusive(userId, () => readListed(userId));
      for await (const user of mapConcurrent(found.ids, listConcurrency, read)) if (user) users.push(user);
      return { users, next: found.hasMore ? found.ids.at(-1) : undefined };
    },
  };
}

/** A user's record as it is on disk. */
export function openUser(disk: Disk, userId: string) {
  return openRecord(
    disk,
    'users',
    userId,
    (value): value is PairedUser => isUser(value) && value.userId === userId,
  );
}

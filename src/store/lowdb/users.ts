// Paired users of the lowdb store: one file each, read on demand and cached for some minutes, also after a write. A change
// is acknowledged once it is in the journal, which writes the files. Safe because the lock excludes other writers.

import type { PairedUser } from '../../domain/pairing/model.ts';
import type { UserStore } from '../../domain/pairing/ports.ts';
import type { SwobError } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import { createIdPage } from '../id-page.ts';
import { DamagedFileError } from './damaged-files.ts';
import type { DiskQueue } from './disk-queue.ts';
import { createUserIds } from './user-ids.ts';
import { openUserJournal, type UserJournalOptions } from './user-journal.ts';
import { readUserFile, type StoredUser } from './user-record.ts';

export interface LowdbUsers {
  readonly store: UserStore;
  /** Makes the index that lists need, in the background, where an earlier version has left none. */
  prepareLists(): void;
  /** Resolves once all records are in their files, on disk. Throws UNAVAILABLE. */
  flush(): Promise<void>;
  /** Why the files cannot be written at the moment. */
  readonly failure: SwobError | undefined;
  /** False when it could not be closed cleanly. */
  close(): Promise<boolean>;
}

export interface LowdbUsersOptions extends UserJournalOptions {
  readonly queue: DiskQueue;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

/** A file that was changed by hand against the advice of docs/operating.md is noticed after so many milliseconds. */
const cacheTtlMs = 600_000;
/** About 2 MB. */
const maxCached = 2_000;
/** Records of a list that are read concurrently; less than the queue's concurrency. */
const listConcurrency = 8;

/** Throws what the damage handler throws, and UNAVAILABLE for errors of the disk. */
export async function openLowdbUsers(options: LowdbUsersOptions): Promise<LowdbUsers> {
  const { disk, queue, clock, log, assertOpen } = options;
  const journal = await openUserJournal(options);
  const ids = createUserIds({ disk, queue, clock, log, unfiled: journal.userIds });
  const recent = createTtlCache<StoredUser>(clock, cacheTtlMs, maxCached);
  const inMemory = (userId: string): StoredUser | undefined => journal.get(userId) ?? recent.get(userId);
  const read = (userId: string): Promise<StoredUser | undefined> =>
    queue.run(async () => inMemory(userId) ?? (await readUserFile(disk, userId)));
  /** One after the other, so that a value read before a write is not cached after it. */
  const runInOrder = <T>(userId: string, job: () => Promise<T>): Promise<T> =>
    queue.runInOrder(`user ${userId}`, job);

  const get = (userId: string): MaybePromise<PairedUser | undefined> => {
    assertOpen();
    const known = inMemory(userId);
    if (known) return known.user;
    return runInOrder(userId, async () => {
      const stored = await read(userId);
      if (stored) recent.set(userId, stored);
      return stored?.user;
    });
  };

  const write = async (
    user: PairedUser,
    may: (known: PairedUser | undefined) => boolean,
  ): Promise<boolean> => {
    const { userId } = user;
    // A damaged record may hold the only copy of the earlier key, so it is not overwritten.
    const known = inMemory(userId) ?? (await read(userId));
    if (!may(known?.user)) return false;
    const stored: StoredUser = { user, revision: (known?.revision ?? 0) + 1 };
    const listed = known ? undefined : ids.add(userId);
    await journal.add(stored);
    recent.set(userId, stored);
    await listed;
    return true;
  };

  /** Not cached, because a list must not evict the users who send. Undefined when the record is damaged. */
  const readListed = async (userId: string): Promise<PairedUser | undefined> => {
    try {
      return (await read(userId))?.user;
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      return undefined;
    }
  };

  const store: UserStore = {
    get,
    // A change is in the journal before it is visible.
    getDurable: async (userId) => get(userId),

    put: async (user) => {
      assertOpen();
      return runInOrder(user.userId, async () => void (await write(user, () => true)));
    },
    replace: async (user, earlier) => {
      assertOpen();
      const text = JSON.stringify(earlier);
      return runInOrder(user.userId, () => write(user, (known) => JSON.stringify(known) === text));
    },
    list: async (prefix, limit, after) => {
      assertOpen();
      const page = createIdPage(prefix, limit, after);
      await ids.collect(page, { prefix, limit, after: after ?? '' });
      const found = page.result();
      const users: PairedUser[] = [];
      const readNext = (userId: string) => runInOrder(userId, () => readListed(userId));
      for await (const user of mapConcurrent(found.ids, listConcurrency, readNext))
        if (user) users.push(user);
      return { users, next: found.hasMore ? found.ids.at(-1) : undefined };
    },
  };
  return {
    store,
    prepareLists: ids.prepare,
    flush: journal.flush,
    get failure() {
      return journal.failure;
    },
    close: async () => {
      await ids.close();
      return journal.close();
    },
  };
}

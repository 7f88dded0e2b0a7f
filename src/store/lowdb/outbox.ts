// Outboxes of the lowdb store: one file per entry, and the index of their times in memory. The content of an entry is
// read on demand.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import type { Claim, Log, OutboxStore } from '../../domain/shared/ports.ts';
import { StoreFullError } from '../../domain/shared/store-full-error.ts';
import { messageOf, type SwobError } from '../../errors.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { isOutboxEntry } from '../guards.ts';
import { type Claimant, createOutboxIndex, type EntryTimes } from '../memory/outbox-index.ts';
import type { JoinOutbox } from '../process-outbox.ts';
import { openAttemptJournal } from './attempt-journal.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { isEntryTimes, loadEntryTimes, timesOf } from './load-entries.ts';
import { openRecord, type RecordKind, recordName } from './record-file.ts';
import type { OpenSnapshot } from './snapshots.ts';

export interface LowdbOutboxOptions<T> {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly kind: Extract<RecordKind, 'inbound' | 'callbacks' | 'waitingSms'>;
  readonly isContent: (value: unknown) => value is T;
  readonly openSnapshot: OpenSnapshot;
  readonly max: number;
  /** Creates the error that rejects a new entry. */
  readonly full: (max: number) => SwobError;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

export interface LowdbOutbox<T> {
  readonly join: JoinOutbox<T>;
  close(): Promise<void>;
}

/** Loads the times of all entries. Throws UNAVAILABLE when a file cannot be read. */
export async function openLowdbOutbox<T>(options: LowdbOutboxOptions<T>): Promise<LowdbOutbox<T>> {
  const { disk, queue, log, kind, max, full, openSnapshot, assertOpen } = options;
  const isEntry = isOutboxEntry(options.isContent);
  const keyOf = (id: string): string => `${kind} ${id}`;
  const snapshot = await openSnapshot<EntryTimes>({
    kind,
    isValue: isEntryTimes,
    idOf: ({ id }) => id,
    currentValue: (id) => index.timesOf(id),
    queueKeyOf: keyOf,
  });
  const { damage } = options;
  const index = createOutboxIndex(await loadEntryTimes({ disk, damage, kind, snapshot }, isEntry));
  // The name sorts before the folder that the lines move to, so a backup in the order of names misses none of them.
  const name = `attempts-${kind}`;
  const journal = await openAttemptJournal({ disk, log, damage, name, isRecord: isEntry });
  /** New entries being written; counted so that concurrent ones cannot exceed the maximum together. */
  let pendingNew = 0;
  /** Order keys with a new claimed entry being written, which others must follow. */
  const claiming = new Set<string>();
  /** The processes whose new claimed entries are being written. */
  const claimants = new Map<string, Claimant>();

  const runExclusive = <R>(id: string, job: () => Promise<R>): Promise<R> => {
    assertOpen();
    return queue.runExclusive(keyOf(id), job);
  };
  const recordOf = (id: string) =>
    openRecord(disk, kind, id, (value): value is OutboxEntry<T> => isEntry(value) && value.id === id);

  const get = (id: string): Promise<OutboxEntry<T> | undefined> =>
    runExclusive(id, async () => {
      if (!index.has(id)) return undefined;
      const sending = journal.get(id);
      if (sending) return sending;
      const record = recordOf(id);
      try {
        await record.read();
      } catch (error) {
        // The next start reads it again, and quarantines it if it is damaged.
        snapshot.forget(id);
        throw error;
      }
      if (record.data) {
        // An operator has restored an earlier state of the file, which must not stay a dead letter unseen.
        if (index.isDeadLetter(id) && record.data.dueAt !== null) index.set(timesOf(record.data));
        return record.data;
      }
      log.warn({ id, file: disk.pathOf(recordName(kind, id)) }, 'the file of an entry is missing');
      snapshot.forget(id);
      index.delete(id);
      return undefined;
    });

  /** Counts the entry, if it is new, until the returned function is called. */
  const countPending = (id: string): (() => void) => {
    if (index.has(id)) return () => {};
    if (index.waiting + index.deadLetters + pendingNew >= max) throw full(max);
    pendingNew++;
    return () => {
      pendingNew--;
    };
  };
  const writeFile = async (entry: OutboxEntry<T>): Promise<void> => {
    const record = recordOf(entry.id);
    record.data = entry;
    snapshot.forget(entry.id);
    await record.write();
    snapshot.track(entry.id);
    journal.done(entry.id);
  };
  const write = async (entry: OutboxEntry<T>): Promise<void> => {
    const sequenced = index.sequenced(entry);
    await writeFile(sequenced);
    index.set(sequenced);
  };
  const put = async (entry: OutboxEntry<T>): Promise<void> => {
    const endPending = countPending(entry.id);
    try {
      await write(entry);
    } finally {
      endPending();
    }
  };
  const hold = async (entry: OutboxEntry<T>, by: Claimant): Promise<Claim> => {
    const { id, orderKey } = entry;
    const isThere = index.has(id);
    if (isThere ? !index.isClaimed(id, by) : (claimants.get(id) ?? by) !== by) return 'taken';
    if (!isThere && (index.isWaitingFor(orderKey) || claiming.has(orderKey ?? ''))) return 'behind';
    const sequenced = index.sequenced(entry);
    const hasFile = isThere && !journal.get(id);
    const endPending = countPending(id);
    if (orderKey !== undefined) claiming.add(orderKey);
    if (!isThere) claimants.set(id, by);
    let claim: Claim = 'claimed';
    try {
      await (hasFile ? writeFile(sequenced) : journal.add(sequenced));
      // Another entry of its order key was put during the write.
      if (!isThere && index.isWaitingFor(orderKey)) claim = 'behind';
      // Another process has put this one.
      if (!isThere && index.has(id) && !index.isClaimed(id, by)) claim = 'taken';
      if (claim === 'claimed') index.hold(sequenced, by);
      else journal.done(id);
    } finally {
      endPending();
      if (orderKey !== undefined) claiming.delete(orderKey);
      claimants.delete(id);
    }
    return claim;
  };

  /** Removes an entry that has no file. */
  const removeLine = (id: string): void => {
    journal.done(id);
    index.delete(id);
  };
  const remove = async (id: string): Promise<void> => {
    // If a power cut restores the file, the entry is delivered again under the same id, and its receipt shows that it
    // is done.
    snapshot.forget(id);
    if (!journal.get(id)) await disk.remove(recordName(kind, id));
    removeLine(id);
  };

  const isDeadLetter = (id: string, since?: number): boolean =>
    index.isDeadLetter(id) && (since === undefined || index.timesOf(id)?.since === since);

  /** Logs a damaged entry instead of failing the whole list. */
  const readOrLog = (id: string): Promise<OutboxEntry<T> | undefined> =>
    get(id).catch((error: unknown) => {
      if (index.has(id)) log.error({ id, reason: messageOf(error) }, 'an entry cannot be read');
      return undefined;
    });

  const getIfIndexed = (id: string): MaybePromise<OutboxEntry<T> | undefined> => {
    assertOpen();
    // Most SMS have no entry, and this lookup costs nothing for them.
    return index.has(id) ? get(id) : undefined;
  };

  /** Sequential, because an operator can wait and messages must not queue behind the list on disk. */
  const readAll = async (ids: readonly string[], isListed: (entry: OutboxEntry<T>) => boolean) => {
    const entries: OutboxEntry<T>[] = [];
    for (const id of ids) {
      const entry = await readOrLog(id);
      if (entry && isListed(entry)) entries.push(entry);
    }
    return entries;
  };

  try {
    // A file is newer than the line and has more recent data. Whatever the maximum is now, they have been acknowledged.
    for (const entry of journal.left) if (!index.has(entry.id)) await write(entry);
    await journal.clearLeft();
  } catch (error) {
    if (!(error instanceof StoreFullError)) throw error;
    log.warn({ reason: error.message }, 'entries that a crash has left stay in their journal');
    journal.keepLeft();
    for (const entry of journal.left) {
      if (index.has(entry.id)) journal.done(entry.id);
      else index.set(index.sequenced(entry));
    }
  }

  const common: Omit<OutboxStore<T>, 'claim' | 'putClaimed' | 'settle' | 'postpone'> = {
    get: async (id) => getIfIndexed(id),
    // Every entry in the index has been synced.
    getDurable: getIfIndexed,
    put: async (entry) => runExclusive(entry.id, () => put(entry)),
    remove: async (id) => runExclusive(id, () => remove(id)),
    removeDeadLetter: async (id, since) =>
      runExclusive(id, async () => {
        const isThere = isDeadLetter(id, since);
        if (isThere) await remove(id);
        return isThere;
      }),
    replaceDeadLetter: async (entry, since) =>
      runExclusive(entry.id, async () => {
        const isThere = isDeadLetter(entry.id, since);
        if (isThere) await put(entry);
        return isThere;
      }),
    nextDueAt: async () => index.nextDue(),
    deadLetters: async (limit, offset) => readAll(index.failed(limit, offset), ({ dueAt }) => dueAt === null),
    waiting: async (limit, offset) => readAll(index.waitingIds(limit, offset), ({ dueAt }) => dueAt !== null),
    countBehind: async () => index.behind,
    waitingOf: async (orderKey, limit) =>
      readAll(index.idsOf(orderKey, limit), ({ dueAt }) => dueAt !== null),
    countOf: async (orderKey) => index.countOf(orderKey),
    countOfGroup: async (word) => index.countOfGroup(word),
    count: async () => ({ waiting: index.waiting, deadLetters: index.deadLetters }),
  };
  const join: JoinOutbox<T> = () => {
    const me = { isGone: false };
    const store: OutboxStore<T> = {
      ...common,
      claim: async (now, limit) => index.claim(now, limit, me),
      // Bypasses the disk queue, because lines of many entries are written together.
      putClaimed: async (entry) => {
        assertOpen();
        return index.has(entry.id) ? runExclusive(entry.id, () => hold(entry, me)) : hold(entry, me);
      },
      settle: async (id, next) => {
        assertOpen();
        // Most entries never have a file, and so need no place in the queue of the disk.
        if (!next && journal.get(id) && !queue.isBusy(keyOf(id))) {
          const isClaimed = index.isClaimed(id, me);
          if (isClaimed) removeLine(id);
          return isClaimed;
        }
        return runExclusive(id, async () => {
          if (!index.isClaimed(id, me)) return false;
          await (next ? put(next) : remove(id));
          return true;
        });
      },
      // Not written: after a restart the entry is due at its earlier time.
      postpone: async (id, until) => index.putOff(id, until, me),
    };
    return { store, release: () => index.release(me) };
  };
  return {
    join,
    close: async () => {
      try {
        // A file loses nothing that it once held; lines at the end of a journal may be lost undetected
        // (segment-lines.ts).
        try {
          for (const entry of journal.open()) await writeFile(entry);
        } finally {
          // Keeps what is not in a file.
          await journal.close();
        }
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'entries with an attempt in progress stay in their journal');
      }
      await snapshot.close();
    },
  };
}

// Parcels of the lowdb store: a file each, and their times in memory. What a parcel holds is read when it is
// asked for.

import type { Parcel } from '../../domain/model.ts';
import type { Log, OutboxStore } from '../../domain/ports.ts';
import { messageOf, type SwobError } from '../../errors.ts';
import { createOutboxIndex, type OutboxIndex, type ParcelTimes } from '../memory/outbox-index.ts';
import { isParcel } from '../shapes.ts';
import type { Disk } from './disk.ts';
import { openRecord, parseFile, type RecordKind, recordFiles, recordName } from './record.ts';
import type { Work } from './work.ts';

export interface LowdbOutboxOptions<T> {
  readonly disk: Disk;
  readonly work: Work;
  readonly log: Log;
  readonly kind: Extract<RecordKind, 'inbound' | 'callbacks'>;
  readonly isContent: (value: unknown) => value is T;
  readonly max: number;
  /** Why a new parcel is refused. */
  readonly full: (max: number) => SwobError;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

/** Loads the times of all parcels. Throws CONFIG when a file is damaged, UNAVAILABLE when one cannot be read. */
export async function openLowdbOutbox<T>(options: LowdbOutboxOptions<T>): Promise<OutboxStore<T>> {
  const { disk, work, log, kind, max, full, assertOpen } = options;
  const isWhole = isParcel(options.isContent);
  const index = await loadIndex(disk, work, kind, isWhole);
  /** New ones on their way to the disk: many at once do not pass the bound together. */
  let arriving = 0;

  const inTurn = <R>(id: string, job: () => Promise<R>): Promise<R> => {
    assertOpen();
    return work.inTurn(`${kind} ${id}`, job);
  };
  const recordOf = (id: string) =>
    openRecord(disk, kind, id, (value): value is Parcel<T> => isWhole(value) && value.id === id);

  const get = (id: string): Promise<Parcel<T> | undefined> =>
    inTurn(id, async () => {
      if (!index.has(id)) return undefined;
      const record = recordOf(id);
      await record.read();
      if (record.data) return record.data;
      log.warn({ id, file: disk.pathOf(recordName(kind, id)) }, 'a parcel is gone: its file was removed');
      index.delete(id);
      return undefined;
    });

  const put = async (parcel: Parcel<T>): Promise<void> => {
    const isNew = !index.has(parcel.id);
    if (isNew && index.waiting + index.givenUp + arriving >= max) throw full(max);
    if (isNew) arriving++;
    try {
      const record = recordOf(parcel.id);
      record.data = parcel;
      await record.write();
      index.set(parcel);
    } finally {
      if (isNew) arriving--;
    }
  };

  const remove = async (id: string): Promise<void> => {
    // A power cut may bring the file back. Then it is delivered again, under the same id, and its receipt says
    // that it is done.
    await disk.remove(recordName(kind, id));
    index.delete(id);
  };

  /** A damaged one is told, and hides no other. */
  const readable = (id: string): Promise<Parcel<T> | undefined> =>
    get(id).catch((error: unknown) => {
      if (index.has(id)) log.error({ id, reason: messageOf(error) }, 'a parcel cannot be read');
      return undefined;
    });

  return {
    get: async (id) => {
      assertOpen();
      // Most SMS are no parcel: that answer costs nothing.
      return index.has(id) ? get(id) : undefined;
    },
    put: async (parcel) => inTurn(parcel.id, () => put(parcel)),
    remove: async (id) => inTurn(id, () => remove(id)),
    discard: async (id) =>
      inTurn(id, async () => {
        const givenUp = index.isGivenUp(id);
        if (givenUp) await remove(id);
        return givenUp;
      }),
    claim: async (now, limit) => index.claim(now, limit),
    settle: async (id, next) => {
      await inTurn(id, () => (next ? put(next) : remove(id)));
      return true;
    },
    // Not written: after a restart it is due when it was before.
    putOff: async (id, until) => index.putOff(id, until),
    nextDue: async () => index.nextDue(),
    failed: async (limit) => {
      const parcels: Parcel<T>[] = [];
      // One after the other: an operator can wait, and messages do not wait for the disk behind this.
      for (const id of index.failed(limit)) {
        const parcel = await readable(id);
        if (parcel?.dueAt === null) parcels.push(parcel);
      }
      return parcels;
    },
    count: async () => ({ waiting: index.waiting, failed: index.givenUp }),
  };
}

async function loadIndex<T>(
  disk: Disk,
  work: Work,
  kind: RecordKind,
  isWhole: (value: unknown) => value is Parcel<T>,
): Promise<OutboxIndex> {
  const found: ParcelTimes[] = [];
  const load = async (name: string): Promise<void> => {
    // What a killed write has left may hold half a message.
    if (/\.json\.\d+$/.test(name)) return disk.remove(name);
    const text = name.endsWith('.json') ? await disk.read(name) : undefined;
    if (text === undefined) return;
    const isOfThisFile = (value: unknown): value is Parcel<T> =>
      isWhole(value) && recordName(kind, value.id) === name;
    const { id, since, dueAt } = parseFile(disk, name, text, isOfThisFile, 'opening');
    found.push({ id, since, dueAt });
  };
  for await (const names of recordFiles(disk, kind)) {
    await Promise.all(names.map((name) => work.run(() => load(name))));
  }
  return createOutboxIndex(found);
}

// Loads the times of all entries of an outbox when the store opens. Used by outbox.ts.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import { isObject } from '../../lib/json.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { type Guard, isNumber, isText } from '../guards.ts';
import type { EntryTimes } from '../memory/outbox-index.ts';
import { type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { type RecordKind, recordFiles, recordName } from './record-file.ts';
import type { Snapshots } from './snapshots.ts';

export interface LoadEntriesOptions {
  readonly disk: Disk;
  readonly damage: DamageHandler;
  readonly kind: Extract<RecordKind, 'inbound' | 'callbacks' | 'waitingSms'>;
  readonly snapshots: Snapshots;
}

/** Throws UNAVAILABLE when a file cannot be read. */
export async function loadEntryTimes<T>(
  { disk, damage, kind, snapshots }: LoadEntriesOptions,
  isEntry: Guard<OutboxEntry<T>>,
): Promise<EntryTimes[]> {
  const found: EntryTimes[] = [];
  const read = async (name: string): Promise<void> => {
    const isOfThisFile = (value: unknown): value is OutboxEntry<T> =>
      isEntry(value) && recordName(kind, value.id) === name;
    const entry = await readOrQuarantine(damage, name, async () => {
      // Synchronously, since nothing else runs yet and a promise for each step costs several times as much.
      const text = disk.readNow(name);
      return text === undefined ? undefined : parseChecked(disk, name, text, isOfThisFile, 'opening');
    });
    if (entry) found.push(timesOf(entry));
  };
  const known = new Map(
    ((await snapshots.take(kind, isEntryTimes)) ?? []).map((times) => [recordName(kind, times.id), times]),
  );
  for await (const names of recordFiles(disk, kind)) {
    for (const name of names) {
      const times = known.get(name);
      if (times) found.push(times);
      else if (name.endsWith('.json')) await read(name);
    }
    // For the lock, which must be renewed, and for signals.
    await nextTurn();
  }
  return found;
}

export function timesOf({ id, since, dueAt, orderKey, sequence }: EntryTimes): EntryTimes {
  const order = orderKey !== undefined && { orderKey };
  return { id, since, dueAt, ...order, ...(sequence !== undefined && { sequence }) };
}

function isEntryTimes(value: unknown): value is EntryTimes {
  return (
    isObject(value) &&
    isText(value.id) &&
    isNumber(value.since) &&
    (value.dueAt === null || isNumber(value.dueAt)) &&
    (value.orderKey === undefined || isText(value.orderKey)) &&
    (value.sequence === undefined || isNumber(value.sequence))
  );
}

// Loads the times of all entries of an outbox when the store opens. Used by outbox.ts.

import type { OutboxEntry } from '../../domain/shared/model.ts';
import { isObject } from '../../lib/json.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import { type Guard, isNumber, isText } from '../guards.ts';
import type { EntryTimes } from '../memory/outbox-index.ts';
import { type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { partsIn, type RecordKind, recordName } from './record-file.ts';
import type { Snapshot } from './snapshots.ts';

export interface LoadEntriesOptions {
  readonly disk: Disk;
  readonly damage: DamageHandler;
  readonly kind: Extract<RecordKind, 'inbound' | 'callbacks' | 'waitingSms'>;
  readonly snapshot: Snapshot<EntryTimes>;
}

/** Throws UNAVAILABLE when a file cannot be read. */
export async function loadEntryTimes<T>(
  { disk, damage, kind, snapshot }: LoadEntriesOptions,
  isEntry: Guard<OutboxEntry<T>>,
): Promise<EntryTimes[]> {
  const found: EntryTimes[] = [];
  const read = async (name: string): Promise<EntryTimes | undefined> => {
    const isOfThisFile = (value: unknown): value is OutboxEntry<T> =>
      isEntry(value) && recordName(kind, value.id) === name;
    const entry = await readOrQuarantine(damage, name, async () => {
      // Synchronously, since nothing else runs yet and a promise for each step costs several times as much.
      const text = disk.readNow(name);
      return text === undefined ? undefined : parseChecked(disk, name, text, isOfThisFile, 'opening');
    });
    return entry && timesOf(entry);
  };
  for (const part of partsIn(disk.listNow(kind))) {
    for (const file of disk.listNow(`${kind}/${part}`)) {
      if (!file.endsWith('.json')) continue;
      const name = `${kind}/${part}/${file}`;
      const loaded = snapshot.load(name, () => read(name));
      // Without an `await` for each of 100,000.
      const times = loaded instanceof Promise ? await loaded : loaded;
      if (times) found.push(times);
    }
    // For the lock, which must be renewed, and for signals.
    await nextTurn();
  }
  snapshot.loaded();
  return found;
}

export function timesOf({ id, since, dueAt, orderKey, sequence }: EntryTimes): EntryTimes {
  const order = orderKey !== undefined && { orderKey };
  return { id, since, dueAt, ...order, ...(sequence !== undefined && { sequence }) };
}

export function isEntryTimes(value: unknown): value is EntryTimes {
  return (
    isObject(value) &&
    isText(value.id) &&
    isNumber(value.since) &&
    (value.dueAt === null || isNumber(value.dueAt)) &&
    (value.orderKey === undefined || isText(value.orderKey)) &&
    (value.sequence === undefined || isNumber(value.sequence))
  );
}

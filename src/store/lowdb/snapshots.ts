// What the files of many records say, in one file, so that a start need not read each of them, also after a crash. A value
// counts only while its file is unchanged by inode, size and times: an old, missing or damaged snapshot costs nothing but
// time. Used by the outboxes and seeds of the lowdb store.

import type { Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { type MaybePromise, mapMaybe } from '../../lib/maybe-promise.ts';
import { type Guard, isNumber } from '../guards.ts';
import { verifyChecksum, withChecksumInParts } from './checksum.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { type RecordKind, recordName } from './record-file.ts';

export interface Snapshot<V> {
  /** While the store opens: the value of a file, from `read` if the file has changed since the snapshot. */
  load(name: string, read: () => Promise<V | undefined>): MaybePromise<V | undefined>;
  /** Ends the start. */
  loaded(): void;
  /** The record's file has been written or read, and its value is in memory. */
  track(id: string): void;
  /** Before the record's file changes, or when it is gone or cannot be read. */
  forget(id: string): void;
  /** Writes the snapshot for the next start. Never rejects. */
  close(): Promise<void>;
}

interface SnapshotOptions<V> {
  readonly kind: RecordKind;
  readonly isValue: Guard<V>;
  readonly idOf: (value: V) => string;
  /** The value in memory, which `track` or `load` has announced; undefined when it has left memory. */
  readonly currentValue: (id: string) => V | undefined;
  /** The key of the queue under which the record's file changes. */
  readonly queueKeyOf: (id: string) => string;
}

export type OpenSnapshot = <V>(options: SnapshotOptions<V>) => Promise<Snapshot<V>>;

/** Few files are soon read. */
const defaultMinUnsaved = 1_000;
/** After a crash at most this part of the files is read, and writing costs a change as much as ten values. */
const unsavedShare = 0.1;
/** The event loop runs between two chunks. */
const valuesPerChunk = 500;
/** Less than the queue's concurrency, so that other operations proceed. */
const versionConcurrency = 8;

/** A line of the snapshot's `files`. */
interface FileValue<V> {
  readonly version: number;
  readonly value: V;
}

/** `minUnsaved`: changed files from which on a snapshot is written. */
export function createSnapshots(
  disk: Disk,
  queue: DiskQueue,
  log: Log,
  minUnsaved = defaultMinUnsaved,
): OpenSnapshot {
  return async (options) => openSnapshot({ disk, queue, log, minUnsaved, ...options });
}

/** For a folder that must not be changed. */
export const noSnapshots: OpenSnapshot = async () => ({
  load: (_name, read) => read(),
  loaded: () => {},
  track: () => {},
  forget: () => {},
  close: async () => {},
});

interface SnapshotContext {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly log: Log;
  readonly minUnsaved: number;
}

async function openSnapshot<V>({
  disk,
  queue,
  log,
  minUnsaved,
  kind,
  isValue,
  idOf,
  currentValue,
  queueKeyOf,
}: SnapshotOptions<V> & SnapshotContext): Promise<Snapshot<V>> {
  /** `{"files":[{"version":…,"value":…},…]}` */
  const file = `snapshots/${kind}.json`;
  /** Of the files that hold what is in memory, by the ids of their records. */
  const versions = new Map<string, number>();
  /** Records in memory whose files have a version that is not known yet. */
  const pending = new Set<string>();
  /** Files that have changed since the snapshot was written. */
  let unsaved = 0;
  let saveAt = minUnsaved;
  let saving: Promise<void> | undefined;
  /** False while the store opens and closes. */
  let isRunning = false;

  const isFileValue = (item: unknown): item is FileValue<V> =>
    isObject(item) && isNumber(item.version) && isValue(item.value);
  const readAll = async (): Promise<readonly FileValue<V>[]> => {
    try {
      const json = verifyChecksum((await disk.read(file)) ?? '');
      const snapshot = json === undefined ? undefined : tryParseJson(json);
      const files = isObject(snapshot) ? snapshot.files : undefined;
      return Array.isArray(files) && files.every(isFileValue) ? files : [];
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'a snapshot cannot be read; the records are read instead');
      return [];
    }
  };
  /** By the names of their files. */
  const left = new Map<string, FileValue<V>>();
  for (const item of await readAll()) left.set(recordName(kind, idOf(item.value)), item);

  const findVersion = (id: string): Promise<void> =>
    queue.runExclusive(queueKeyOf(id), async () => {
      // Forgotten meanwhile.
      if (!pending.delete(id)) return;
      const version = await disk.version(recordName(kind, id));
      if (version !== undefined) versions.set(id, version);
    });

  function* json(): Generator<string> {
    yield '{"files":[';
    let chunk: string[] = [];
    let separator = '';
    const text = (): string => `${separator}${chunk.join(',')}`;
    for (const [id, version] of versions) {
      const value = currentValue(id);
      if (value === undefined) {
        versions.delete(id);
        continue;
      }
      chunk.push(JSON.stringify({ version, value }));
      if (chunk.length < valuesPerChunk) continue;
      yield text();
      separator = ',';
      chunk = [];
    }
    if (chunk.length > 0) yield text();
    yield ']}';
  }

  const save = async (): Promise<void> => {
    try {
      for await (const _ of mapConcurrent([...pending], versionConcurrency, findVersion));
      await disk.write(file, withChecksumInParts(json()));
      unsaved = pending.size;
    } catch (error) {
      log.warn(
        { reason: messageOf(error) },
        'could not write a snapshot, so that the next start takes longer',
      );
    }
    saveAt = unsaved + Math.max(minUnsaved, Math.ceil(versions.size * unsavedShare));
  };
  const saveIfDue = (): void => {
    if (!isRunning || unsaved < saveAt) return;
    saving ??= save().finally(() => {
      saving = undefined;
    });
  };

  return {
    load: (name, read) => {
      const version = disk.versionNow(name);
      const known = left.get(name);
      if (known && known.version === version) {
        versions.set(idOf(known.value), version);
        return known.value;
      }
      return mapMaybe(read(), (value) => {
        if (value === undefined || version === undefined) return value;
        versions.set(idOf(value), version);
        unsaved++;
        return value;
      });
    },
    loaded: () => {
      left.clear();
      isRunning = true;
      saveIfDue();
    },
    track: (id) => {
      if (pending.has(id)) return;
      versions.delete(id);
      pending.add(id);
      unsaved++;
      saveIfDue();
    },
    forget: (id) => {
      versions.delete(id);
      pending.delete(id);
    },
    close: async () => {
      isRunning = false;
      await saving;
      if (unsaved > 0 && versions.size + pending.size >= minUnsaved) await save();
    },
  };
}

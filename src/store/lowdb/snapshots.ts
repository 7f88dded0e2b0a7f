// What a clean stop leaves for the next start, so that it need not read a file for each record. Only the start that follows directly
// uses it: the generation of the lock tells whether another process, of whatever version, had the folder in between. Used by the
// outboxes and seeds of the lowdb store.

import type { Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import type { Guard } from '../guards.ts';
import { verifyChecksum, withChecksumInParts } from './checksum.ts';
import type { Disk } from './disk.ts';

export interface Snapshots {
  /** What the last process left under this name; undefined when it did not stop cleanly, or the file is damaged. */
  take<T>(name: string, isValue: Guard<T>): Promise<readonly T[] | undefined>;
  /** Writes nothing for few values, whose records are soon read. Never rejects: without the file the next start reads the records. */
  leave(name: string, values: readonly unknown[]): Promise<void>;
}

/** `{"generation":<of the lock>,"values":[…]}` */
const fileOf = (name: string): string => `snapshots/${name}.json`;
const minValues = 1_000;
/** The event loop runs between two chunks. */
const valuesPerChunk = 1_000;

export interface SnapshotsOptions {
  readonly disk: Disk;
  readonly log: Log;
  readonly cleanShutdown: boolean;
  /** Of the lock of this process; its predecessor had the one before. */
  readonly generation: number;
}

export function createSnapshots({ disk, log, cleanShutdown, generation }: SnapshotsOptions): Snapshots {
  return {
    take: async (name, isValue) => {
      if (!cleanShutdown) return undefined;
      try {
        const json = verifyChecksum((await disk.read(fileOf(name))) ?? '');
        const snapshot = json === undefined ? undefined : tryParseJson(json);
        if (!isObject(snapshot) || snapshot.generation !== generation - 1) return undefined;
        const { values } = snapshot;
        return Array.isArray(values) && values.every(isValue) ? values : undefined;
      } catch (error) {
        log.debug({ reason: messageOf(error) }, 'a snapshot cannot be read; the records are read instead');
        return undefined;
      }
    },
    leave: async (name, values) => {
      if (values.length < minValues) return;
      try {
        await disk.write(fileOf(name), withChecksumInParts(jsonOf(generation, values)));
      } catch (error) {
        log.warn(
          { reason: messageOf(error) },
          'could not write a snapshot, so that the next start takes longer',
        );
      }
    },
  };
}

/** For a store without a lock. */
export const noSnapshots: Snapshots = { take: async () => undefined, leave: async () => {} };

function* jsonOf(generation: number, values: readonly unknown[]): Generator<string> {
  yield `{"generation":${generation},"values":[`;
  for (let start = 0; start < values.length; start += valuesPerChunk) {
    const chunk = values.slice(start, start + valuesPerChunk).map((value) => JSON.stringify(value));
    yield `${start > 0 ? ',' : ''}${chunk.join(',')}`;
  }
  yield ']}';
}

// One record per file, by lowdb: reads are checked and writes are durable. Used for users, seeds and outbox entries.

import { hash } from 'node:crypto';
import { Low } from 'lowdb';
import { withChecksum } from './checksum.ts';
import { parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';

/** The folders of records. */
export const recordKinds = ['users', 'seeds', 'inbound', 'callbacks', 'waitingSms'] as const;
export type RecordKind = (typeof recordKinds)[number];

/**
 * A lowdb instance of the file; its data is null when there is no file. `read` throws DamagedFileError when the
 * checksum does not match or the file is not a record of this id. Each operation creates a new instance, so that the
 * data of a failed write is never read.
 */
export function openRecord<T>(
  disk: Disk,
  kind: RecordKind,
  id: string,
  isRecord: (value: unknown) => value is T,
): Low<T | null> {
  const name = recordName(kind, id);
  return new Low<T | null>(
    {
      read: async () => {
        const text = await disk.read(name);
        return text === undefined ? null : parseChecked(disk, name, text, isRecord);
      },
      write: (record) => disk.write(name, withChecksum(JSON.stringify(record))),
    },
    null,
  );
}

/** Every id yields a safe file name, and the records spread evenly over the folders. */
export function recordName(kind: RecordKind, id: string): string {
  const digest = hash('sha256', id);
  return `${kind}/${digest.slice(0, 2)}/${digest.slice(2)}.json`;
}

/** The folders of a kind's records; a file manager or a copy may have left others, and files, beside them. */
export function partsIn(names: readonly string[]): string[] {
  return names.filter((name) => /^[0-9a-f]{2}$/.test(name));
}

/** The file names of a kind, one folder at a time. For use while the store opens. Throws UNAVAILABLE or CONFIG. */
export async function* recordFiles(disk: Disk, kind: RecordKind): AsyncGenerator<string[]> {
  for (const part of partsIn(await disk.list(kind))) {
    const names = await disk.list(`${kind}/${part}`);
    yield names.map((name) => `${kind}/${part}/${name}`);
  }
}

/** The number of records of a kind. */
export async function countRecords(disk: Disk, kind: RecordKind): Promise<number> {
  let count = 0;
  for await (const names of recordFiles(disk, kind)) {
    count += names.filter((name) => name.endsWith('.json')).length;
  }
  return count;
}

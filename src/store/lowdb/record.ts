// One record a file, through lowdb: reading checks, writing is durable. Users, seeds and parcels
// are kept so.

import { createHash } from 'node:crypto';
import { Low } from 'lowdb';
import { SwobError } from '../../errors.ts';
import type { Disk } from './disk.ts';

/** The folder that a record is in. */
export type RecordKind = 'users' | 'seeds' | 'inbound' | 'callbacks';

/**
 * A lowdb over the file, null when there is none. `read` throws UNAVAILABLE when the file is damaged:
 * not JSON, cut short, or not a record of this id. Made anew for each operation, so that what a failed
 * write leaves in `data` is nobody's.
 */
export function openRecord<T>(
  disk: Disk,
  kind: RecordKind,
  id: string,
  isRecord: (value: unknown) => value is T,
  when: 'opening' | 'running' = 'running',
): Low<T | null> {
  const name = recordName(kind, id);
  return new Low<T | null>(
    {
      read: async () => {
        const text = await disk.read(name);
        return text === undefined ? null : parseFile(disk, name, text, isRecord, when);
      },
      write: (record) => disk.write(name, JSON.stringify(record)),
    },
    null,
  );
}

/** Any id gives a safe name, and no folder gets more than its share. */
export function recordName(kind: RecordKind, id: string): string {
  const hash = createHash('sha256').update(id).digest('hex');
  return `${kind}/${hash.slice(0, 2)}/${hash.slice(2)}.json`;
}

/**
 * The names of a kind's files, one folder at a time: records (`*.json`), and what killed writes have left. To be
 * called while the store opens. Throws UNAVAILABLE or CONFIG.
 */
export async function* recordFiles(disk: Disk, kind: RecordKind): AsyncGenerator<string[]> {
  for (const part of await disk.list(kind)) {
    const names = await disk.list(`${kind}/${part}`);
    yield names.map((name) => `${kind}/${part}/${name}`);
  }
}

/** How many records of a kind there are; what killed writes have left does not count. */
export async function countRecords(disk: Disk, kind: RecordKind): Promise<number> {
  let count = 0;
  for await (const names of recordFiles(disk, kind)) {
    count += names.filter((name) => name.endsWith('.json')).length;
  }
  return count;
}

/** Throws UNAVAILABLE (CONFIG while the store is opened), with the file's name and what to do, when the text is not what it should be. */
export function parseFile<T>(
  disk: Disk,
  name: string,
  text: string,
  isWhole: (value: unknown) => value is T,
  when: 'opening' | 'running' = 'running',
): T {
  let value: unknown;
  let fault = 'not what swob writes there';
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold a key.
    fault = text === '' ? 'empty' : 'not JSON or cut short';
  }
  if (isWhole(value)) return value;
  throw new SwobError(
    when === 'opening' ? 'CONFIG' : 'UNAVAILABLE',
    `${disk.pathOf(name)} is damaged (${fault}); restore it from a backup or remove it`,
    { forClients: 'a record of the store is damaged' },
  );
}

// The journal of a stub over HTTP. Used by `swob verify`.

import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { JournalEntry } from '../../stubs/journal.ts';
import type { HttpClient } from './http-client.ts';

const path = '/__journal';
/** Of a full journal, whose bound is in UTF-16 units of at most three bytes each (src/stubs/journal.ts). */
export const maxJournalBytes = 256 * 1024 * 1024;

/** Throws UNREACHABLE, and UPSTREAM when it is not the journal of a stub. */
export async function readJournal(http: HttpClient): Promise<readonly JournalEntry[]> {
  const list = await http.json({ path });
  if (Array.isArray(list) && list.every(isJournalEntry)) return list;
  throw new SwobError('UPSTREAM', `${http.baseUrl}${path} is not the journal of a stub of swob`);
}

export async function clearJournal(http: HttpClient): Promise<void> {
  await http.json({ method: 'DELETE', path });
}

function isJournalEntry(value: unknown): value is JournalEntry {
  return (
    isObject(value) &&
    typeof value.at === 'number' &&
    typeof value.method === 'string' &&
    typeof value.path === 'string' &&
    isObject(value.query) &&
    Object.values(value.query).every((text) => typeof text === 'string') &&
    isObject(value.body) &&
    (value.status === null || typeof value.status === 'number')
  );
}

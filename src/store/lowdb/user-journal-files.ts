// The files of the journal of users, as others than the journal read them. Used by the integrity check.

import { isObject, tryParseJson } from '../../lib/json.ts';
import { verifyChecksum } from './checksum.ts';
import { DamagedFileError } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { recordName } from './record-file.ts';
import { isUserRecord } from './user-record.ts';

export const userJournalFolder = 'user-journal';

/**
 * The names of the files that the next start, or the running process, writes from whole lines; from none of a file that cannot be
 * read. Throws UNAVAILABLE.
 */
export async function journaledUserFiles(disk: Disk): Promise<Set<string>> {
  const names = new Set<string>();
  for (const file of await disk.list(userJournalFolder)) {
    if (!file.endsWith('.ndjson')) continue;
    const text = await disk.read(`${userJournalFolder}/${file}`).catch((error: unknown) => {
      if (!(error instanceof DamagedFileError)) throw error;
      return undefined;
    });
    for (const line of (text ?? '').split('\n')) {
      const value = tryParseJson(verifyChecksum(line) ?? '');
      if (isObject(value) && isUserRecord(value.value)) names.add(recordName('users', value.value.userId));
    }
  }
  return names;
}

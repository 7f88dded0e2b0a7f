// Recognises the folders of stores by meta.json, which names their format. Used when the lowdb store opens.

import { readdir } from 'node:fs/promises';
import { SwobError } from '../../errors.ts';
import { isObject, tryParseJson } from '../../lib/json.ts';
import { diskError } from '../disk-error.ts';
import { isNumber } from '../guards.ts';
import { DamagedFileError } from './damaged-files.ts';
import type { Disk } from './disk.ts';

const metaFile = 'meta.json';
/** Formats 1 and 2: see migration.ts. */
const format = 4;
/** Lacks only the journal of users, which versions of that format would ignore. */
const formatWithoutJournal = 3;

/**
 * What a folder may hold before it becomes a store: the gateway's keys and those of `swob jwt keygen` (data/security
 * and data/jwt by default), the audit trail of a disconnect service that runs alone, a volume's lost+found, hidden files, and leftovers of a start that was killed.
 */
const harmless = /^(security|jwt|disconnect|lost\+found|\..*|lock\.\d+|meta\.json\.\d+)$/;

/**
 * Distinguishes an empty folder from a store of the current or an earlier format; a `compatible` one needs only the current
 * format in its meta.json. Throws CONFIG for another program's folder or the store of a newer swob, DamagedFileError when
 * meta.json is damaged, UNAVAILABLE when the folder cannot be read.
 */
export async function detectFormat(disk: Disk): Promise<'empty' | 'outdated' | 'compatible' | 'current'> {
  const text = await disk.read(metaFile);
  if (text === undefined) {
    const names = await readdir(disk.folder).catch((error: unknown) => {
      throw diskError(`cannot list ${disk.folder}`, error, 'opening');
    });
    const stranger = names.find((name) => !harmless.test(name));
    if (stranger === undefined) return 'empty';
    throw new SwobError(
      'CONFIG',
      `${disk.folder} is not a swob store: it holds ${stranger} but no ${metaFile}; give [store] url a folder of its own`,
    );
  }
  const meta = parse(text);
  if (!meta)
    throw new DamagedFileError(disk.pathOf(metaFile), 'not a value that swob writes there', 'opening');
  if (meta.format === format) return 'current';
  if (meta.format === formatWithoutJournal) return 'compatible';
  if (meta.format === 1 || meta.format === 2) return 'outdated';
  throw new SwobError(
    'CONFIG',
    `${disk.folder} is a store of format ${meta.format} according to its ${metaFile}, but this swob supports format ${format}; run the version that created it`,
  );
}

export async function writeMeta(disk: Disk): Promise<void> {
  await disk.write(metaFile, JSON.stringify({ format }));
}

/** Without a checksum, so that every version of swob can read the format. */
function parse(text: string): { readonly format: number } | undefined {
  const value = tryParseJson(text);
  return isObject(value) && isNumber(value.format) ? { format: value.format } : undefined;
}

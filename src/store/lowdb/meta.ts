// Which folders are stores: meta.json says so, and in which format. Looked at when the lowdb store opens.

import { readdir } from 'node:fs/promises';
import { SwobError } from '../../errors.ts';
import { diskError } from '../disk-error.ts';
import { isObject } from '../shapes.ts';
import type { Disk } from './disk.ts';
import { parseFile } from './record.ts';

const metaFile = 'meta.json';
const format = 1;

/**
 * What may be in a folder that becomes a store: the gateway's keys and those of `swob jwt
 * keygen` (data/security and data/jwt by default), a volume's lost+found, hidden files, and what a start that was killed has left.
 */
const harmless = /^(security|jwt|lost\+found|\..*|lock\.\d+|meta\.json\.\d+)$/;

/**
 * Tells an empty folder from a store. Throws CONFIG for another program's folder or a newer swob's
 * store, UNAVAILABLE when meta.json is damaged or the folder cannot be read.
 */
export async function inspectFolder(disk: Disk): Promise<'new' | 'store'> {
  const text = await disk.read(metaFile);
  if (text === undefined) {
    const names = await readdir(disk.folder).catch((error: unknown) => {
      throw diskError(`cannot list ${disk.folder}`, error, 'opening');
    });
    const stranger = names.find((name) => !harmless.test(name));
    if (stranger === undefined) return 'new';
    throw new SwobError(
      'CONFIG',
      `${disk.folder} is not a swob store: it holds ${stranger} but no ${metaFile}; give [store] url a folder of its own`,
    );
  }
  const meta = parseFile(disk, metaFile, text, isMeta, 'opening');
  if (meta.format === format) return 'store';
  throw new SwobError(
    'CONFIG',
    `${disk.folder} is a store of format ${meta.format}, this swob knows format ${format}; run the version that made it`,
  );
}

export async function writeMeta(disk: Disk): Promise<void> {
  await disk.write(metaFile, JSON.stringify({ format }));
}

function isMeta(value: unknown): value is { readonly format: number } {
  return isObject(value) && typeof value.format === 'number';
}

// The file lps.json: the LPS of recently active seeds.

import type { Seed } from '../../domain/seeds/model.ts';
import { isObject } from '../../lib/json.ts';
import { isNumber } from '../guards.ts';
import { withChecksumInParts } from './checksum.ts';
import { parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';

/** `{"journal":<the last journal line that the file covers>,"lps":{"<IMSI>":<LPS>}}` */
export const lpsFile = 'lps.json';

/** Seeds per chunk; the event loop runs between two chunks. */
const seedsPerChunk = 2_000;

/** The content of the file, in chunks. */
export function lpsText(seeds: readonly Pick<Seed, 'imsi' | 'lps'>[], journal: number): Iterable<string> {
  return withChecksumInParts(lpsJson(seeds, journal));
}

function* lpsJson(seeds: readonly Pick<Seed, 'imsi' | 'lps'>[], journal: number): Generator<string> {
  yield `{"journal":${journal},"lps":{`;
  for (let start = 0; start < seeds.length; start += seedsPerChunk) {
    const pairs = seeds
      .slice(start, start + seedsPerChunk)
      .map(({ imsi, lps }) => `${JSON.stringify(imsi)}:${lps}`);
    yield `${start > 0 ? ',' : ''}${pairs.join(',')}`;
  }
  yield '}}';
}

export interface LpsFile {
  /** The last line of the journal that the file covers. */
  readonly journal: number;
  /** LPS by IMSI. */
  readonly lps: Readonly<Record<string, number>>;
}

export const emptyLpsFile: LpsFile = { journal: 0, lps: {} };

/** Empty before the first flush. Throws DamagedFileError. */
export async function readLps(disk: Disk): Promise<LpsFile> {
  const text = await disk.read(lpsFile);
  return text === undefined
    ? { journal: 0, lps: {} }
    : parseChecked(disk, lpsFile, text, isLpsFile, 'opening');
}

function isLpsFile(value: unknown): value is LpsFile {
  return (
    isObject(value) &&
    isNumber(value.journal) &&
    isObject(value.lps) &&
    Object.values(value.lps).every(isNumber)
  );
}

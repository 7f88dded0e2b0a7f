// The files of the lowdb store's seeds, other than the records themselves.

import type { Seed } from '../../domain/model.ts';
import type { Disk } from './disk.ts';
import { isLpsFile } from './file-shapes.ts';
import { parseFile } from './record.ts';

/** The LPS of the seeds that pinged lately: `{"<IMSI>": <LPS>}`. */
export const lpsFile = 'lps.json';

/** Seeds in one chunk of text; the event loop gets its turn between two. */
const seedsPerChunk = 2_000;

/** The text of the file, in chunks. */
export function* lpsText(seeds: readonly Pick<Seed, 'imsi' | 'lps'>[]): Generator<string> {
  yield '{';
  for (let start = 0; start < seeds.length; start += seedsPerChunk) {
    const pairs = seeds
      .slice(start, start + seedsPerChunk)
      .map(({ imsi, lps }) => `${JSON.stringify(imsi)}:${lps}`);
    yield `${start > 0 ? ',' : ''}${pairs.join(',')}`;
  }
  yield '}';
}

/** IMSI and LPS; empty before the first flush. Throws UNAVAILABLE when the file is damaged. */
export async function readLps(disk: Disk): Promise<[imsi: string, lps: number][]> {
  const text = await disk.read(lpsFile);
  return text === undefined ? [] : Object.entries(parseFile(disk, lpsFile, text, isLpsFile, 'opening'));
}

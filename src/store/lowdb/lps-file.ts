// The file lps.json: the LPS of recently active seeds.

import type { Seed } from '../../domain/seeds/model.ts';
import { createListEncoder } from '../../lib/encode-list.ts';
import { isObject } from '../../lib/json.ts';
import { isNumber } from '../guards.ts';
import { withChecksumInParts } from './checksum.ts';
import { parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';

/** `{"journal":<the last journal line that the file covers>,"lps":{"<IMSI>":<LPS>}}` */
export const lpsFile = 'lps.json';

type LpsOfSeed = Pick<Seed, 'imsi' | 'lps'>;

/** Encoded in one turn of the event loop. */
const seedsPerTurn = 2_000;
/** The event loop runs between two chunks. */
const bytesPerChunk = 256 * 1_024;

/**
 * @returns gives the content of the file in chunks. Most seeds do not ping between two writes: those that are the same objects as in the
 * last content are copied from it.
 */
export function createLpsEncoder(): (
  seeds: readonly LpsOfSeed[],
  journal: number,
) => Promise<Iterable<string | Uint8Array>> {
  const encode = createListEncoder(
    ({ imsi, lps }: LpsOfSeed) => `${JSON.stringify(imsi)}:${lps}`,
    seedsPerTurn,
  );
  return async (seeds, journal) => withChecksumInParts(lpsJson(await encode(seeds), journal));
}

/** @param list the pairs in brackets */
function* lpsJson(list: Buffer, journal: number): Generator<string | Uint8Array> {
  yield `{"journal":${journal},"lps":{`;
  const stop = list.length - 1;
  for (let at = 1; at < stop; at += bytesPerChunk)
    yield list.subarray(at, Math.min(stop, at + bytesPerChunk));
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

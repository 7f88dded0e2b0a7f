// Takes a file of `swob store export` into the store of the configuration: checks all of it, writes, and reads back. For
// `swob store import`.

import { isDeepStrictEqual } from 'node:util';
import { SwobError } from '../../errors.ts';
import {
  type ArchivedRecord,
  type Counts,
  isOver,
  noCounts,
  type RecordKind,
  recordKinds,
} from '../../store/archive.ts';
import { type ArchiveEnd, readArchive } from '../../store/archive-file.ts';
import { inWords, type OpenedArchive, openArchive, type Porter, totalOf } from './store-archive.ts';

/** Records on their way to the store at once: one wait for replicas stands for so many. */
const atOnce = 500;

/** What is remembered until soon may be forgotten by the clock of Redis. */
const clocksDifferMs = 60_000;

const maximaOf: Partial<Record<RecordKind, string>> = {
  seeds: '[seeds] max_registered',
  inbound: '[publisher] max_kept',
  callbacks: '[outgoing] max_callbacks',
  published: '[publisher] max_remembered',
};

/** A file that can be read more than once. */
export interface ImportSource {
  /** In messages. */
  readonly name: string;
  /** In bytes; undefined when it is not known before the end. */
  readonly size: number | undefined;
  /** From its beginning. */
  read(): AsyncIterable<Uint8Array>;
}

export interface Imported {
  /** What was written. */
  readonly counts: Counts;
  readonly summary: string;
  /** Remembered things whose time was over. */
  readonly over: number;
  /** What was another when it was read back, of a merge: changed by nodes at work, or gone in favour of newer. */
  readonly changed: number;
  /** The store, without a password. */
  readonly into: string;
}

/**
 * Throws BAD_INPUT for a file that is not whole before anything is written; CONFIG for a store that holds something unless
 * `merge`, or that has less room; UNAVAILABLE; and the signal's reason. What was written by then stays: with `merge` it can
 * be run again, and ends the same.
 */
export async function importStore(porter: Porter, source: ImportSource, merge: boolean): Promise<Imported> {
  const whole = await check(source, porter);
  const opened = await openArchive(porter, 'import');
  const { archive, name } = opened;
  try {
    await checkRoom(opened, whole.counts, merge);
    const { counts, over } = await advising(write(opened, source, whole, porter));
    const { changed, lost } = await advising(readBack(opened, source, totalOf(counts), porter, merge));
    if (!merge) await checkNothingElse(opened, counts);
    if (lost > 0) {
      throw new SwobError(
        'UNAVAILABLE',
        `${lost} of ${totalOf(counts)} records are not in ${name} as they were written; stop every swob that uses it, and import again with --merge`,
      );
    }
    return { counts, summary: inWords(counts), over, changed, into: name };
  } finally {
    await archive.close();
  }
}

/** The whole file. @returns its last line */
async function check(source: ImportSource, { signal, progress }: Porter): Promise<ArchiveEnd> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let done = 0;
    for await (const chunk of source.read()) {
      signal.throwIfAborted();
      yield chunk;
      done += chunk.length;
      if (source.size !== undefined) progress('checking', done, source.size);
    }
  }
  const records = readArchive(source.name, chunks());
  for (let next = await records.next(); ; next = await records.next()) {
    if (next.done) return next.value;
  }
}

async function checkRoom(
  { archive, capacity, name }: OpenedArchive,
  counts: Counts,
  merge: boolean,
): Promise<void> {
  const tooMany = recordKinds.find((kind) => counts[kind] > capacity[kind]);
  if (tooMany) {
    const key = maximaOf[tooMany];
    throw new SwobError(
      'CONFIG',
      `the file has ${counts[tooMany]} of ${tooMany}, and this configuration keeps ${capacity[tooMany]} at most${key ? `; raise ${key}` : ''}`,
    );
  }
  if (merge) return;
  const there = await archive.count();
  if (totalOf(there) === 0) return;
  throw new SwobError(
    'CONFIG',
    `${name} holds ${inWords(there)}; --merge adds the file to that, and replaces what has the same id`,
  );
}

async function write(
  { archive }: OpenedArchive,
  source: ImportSource,
  whole: ArchiveEnd,
  { clock, signal, progress }: Porter,
): Promise<{ counts: Counts; over: number }> {
  const counts = { ...noCounts };
  let over = 0;
  let done = 0;
  const total = totalOf(whole.counts);
  await atATime(unchanged(source, whole), async (record) => {
    signal.throwIfAborted();
    if (isOver(record, clock.now())) over++;
    else {
      await archive.restore(record);
      counts[record.kind]++;
    }
    done++;
    progress('writing', done, total);
  });
  return { counts, over };
}

/**
 * Counts records that are missing, or not as the file has them: `changed` where that may be, because other processes are at
 * work, or because what is remembered gives way to newer; `lost` elsewhere.
 */
async function readBack(
  { archive, shared }: OpenedArchive,
  source: ImportSource,
  total: number,
  { clock, signal, progress }: Porter,
  merge: boolean,
): Promise<{ changed: number; lost: number }> {
  const result = { changed: 0, lost: 0 };
  let done = 0;
  await atATime(readArchive(source.name, source.read()), async (record) => {
    signal.throwIfAborted();
    const found = await archive.find(record);
    if (isOver(record, clock.now() + (found ? 0 : clocksDifferMs))) return;
    if (!found || !isSame(found, record)) {
      const mayBe = merge && (shared || (!found && 'until' in record));
      result[mayBe ? 'changed' : 'lost']++;
    }
    done++;
    progress('reading back', done, Math.max(done, total));
  });
  return result;
}

/** What to do after a failure in the middle. */
function advising<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!(error instanceof SwobError)) throw error;
    throw new SwobError(
      error.code,
      `${error.message}; what was written stays: once that is mended, import the same file again with --merge`,
      { cause: error },
    );
  });
}

async function checkNothingElse({ archive, name }: OpenedArchive, written: Counts): Promise<void> {
  const there = await archive.count();
  if (recordKinds.every((kind) => there[kind] <= written[kind])) return;
  throw new SwobError(
    'UNAVAILABLE',
    `${name} holds ${inWords(there)}, which is more than the ${inWords(written)} of the file: another process writes to it; import with --merge if it may`,
  );
}

/** A store that remembers for a shorter time may have shortened that; it has lengthened nothing. */
function isSame(found: ArchivedRecord, record: ArchivedRecord): boolean {
  if ('until' in found && 'until' in record && found.until > record.until) return false;
  return found.kind === record.kind && isDeepStrictEqual(found.record, record.record);
}

/** The file once more: it must still be what was checked. */
async function* unchanged(source: ImportSource, whole: ArchiveEnd): AsyncGenerator<ArchivedRecord> {
  const end = yield* readArchive(source.name, source.read());
  if (end.sha256 !== whole.sha256) {
    throw new SwobError('BAD_INPUT', `${source.name} was changed while it was imported`);
  }
}

/** Does `work` with every item, `atOnce` of them at once, begun in their order. Throws what the first failure was. */
async function atATime<T>(items: AsyncGenerator<T>, work: (item: T) => Promise<void>): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    try {
      for (let next = await items.next(); !next.done && !failure; next = await items.next()) {
        await work(next.value);
      }
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await items.return(undefined);
  if (failure) throw failure.error;
}

// Imports a file of `swob store export` into the configured store: verifies the file, writes its records, and reads
// them back. For `swob store import`.

import { isDeepStrictEqual } from 'node:util';
import { isUntrusted } from '../../domain/wifi/audit-model.ts';
import { SwobError } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import {
  type ArchivedRecord,
  isExpired,
  type RecordCounts,
  type RecordKind,
  recordKinds,
  zeroCounts,
} from '../../store/archive/archive.ts';
import { type ArchiveTrailer, readArchive } from '../../store/archive/file.ts';
import {
  describeCounts,
  type OpenedArchive,
  openArchive,
  type TransferContext,
  totalOf,
} from './store-archive.ts';

/** Records written concurrently, so that they share one wait for replicas. */
const concurrency = 500;

/** By the clock of Redis, a record may expire this much earlier. */
const maxClockSkewMs = 60_000;

/** What has a maximum of its own. */
const boundNames = [...recordKinds, 'untrustedDisconnects'] as const;
type BoundName = (typeof boundNames)[number];

const boundWords: Partial<Record<BoundName, string>> = {
  disconnects: 'disconnects with a valid token',
  untrustedDisconnects: 'disconnects without a valid token',
};

/** Of kinds with a fixed maximum, a file has more only if the store changed during its export. */
const exportAgain = 'export them again from a store that nothing else uses meanwhile';
const remedies: Record<BoundName, string> = {
  seeds: 'raise [seeds] max_registered',
  users: exportAgain,
  inbound: 'raise [publisher] max_kept',
  callbacks: 'raise [outgoing] max_callbacks',
  receipts: 'raise [publisher] max_remembered',
  responses: exportAgain,
  clients: exportAgain,
  tests: exportAgain,
  disconnects: 'raise [disconnect] audit_max',
  untrustedDisconnects: 'raise [disconnect] audit_max, a tenth of which is their maximum',
  messages: 'raise [outgoing] max_messages',
  waitingSms: 'raise [outgoing] max_waiting',
};

/** A file that can be read more than once. */
export interface ImportSource {
  /** In messages. */
  readonly name: string;
  /** In bytes; undefined when it is not known before the end. */
  readonly size: number | undefined;
  /** Each call reads from the beginning. */
  read(): AsyncIterable<Uint8Array>;
}

export interface ImportResult {
  /** Records written. */
  readonly counts: RecordCounts;
  readonly summary: string;
  /** Records of the file that had expired. */
  readonly expired: number;
  /** Merged records that running nodes have changed, or newer ones have evicted, before they were read back. */
  readonly changed: number;
  /** The store, without a password. */
  readonly into: string;
}

/**
 * Throws BAD_INPUT for a damaged file, before anything is written; CONFIG when the store is not empty (without `merge`) or its
 * limits are too low; UNAVAILABLE; and the signal's reason. Records that were written stay: repeating the import with
 * `merge` completes it.
 */
export async function importStore(
  context: TransferContext,
  source: ImportSource,
  merge: boolean,
): Promise<ImportResult> {
  const end = await verifyFile(source, context);
  const opened = await openArchive(context, 'import');
  const { archive, name } = opened;
  try {
    await checkCapacity(opened, end, merge);
    const { counts, expired } = await withResumeAdvice(writeRecords(opened, source, end, context));
    const { changed, lost } = await withResumeAdvice(
      verifyWritten(opened, source, totalOf(counts), context, merge),
    );
    if (!merge) await requireNoOtherRecords(opened, counts);
    if (lost > 0) {
      throw new SwobError(
        'UNAVAILABLE',
        `${lost} of ${totalOf(counts)} records in ${name} differ from what was written; stop every swob that uses it, and import again with --merge`,
      );
    }
    return { counts, summary: describeCounts(counts), expired, changed, into: name };
  } finally {
    await archive.close();
  }
}

/** The last line of a file, and what it does not count. */
interface VerifiedFile extends ArchiveTrailer {
  /** Among the `disconnects`. */
  readonly untrustedDisconnects: number;
}

/** Reads the whole file. */
export async function verifyFile(
  source: ImportSource,
  { signal, progress }: TransferContext,
): Promise<VerifiedFile> {
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
  let untrustedDisconnects = 0;
  for (let next = await records.next(); ; next = await records.next()) {
    if (next.done) return { ...next.value, untrustedDisconnects };
    if (next.value.kind === 'disconnects' && isUntrusted(next.value.record)) untrustedDisconnects++;
  }
}

export async function checkCapacity(
  { archive, capacity, name }: OpenedArchive,
  { counts, untrustedDisconnects }: VerifiedFile,
  merge: boolean,
): Promise<void> {
  const trusted = counts.disconnects - untrustedDisconnects;
  const bounded = { ...counts, disconnects: trusted, untrustedDisconnects };
  for (const bound of boundNames) {
    if (bounded[bound] <= capacity[bound]) continue;
    const words = boundWords[bound] ?? bound;
    throw new SwobError(
      'CONFIG',
      `the file has ${bounded[bound]} ${words}, but this configuration keeps at most ${capacity[bound]}; ${remedies[bound]}`,
    );
  }
  if (merge) return;
  const existing = await archive.count();
  if (totalOf(existing) === 0) return;
  throw new SwobError(
    'CONFIG',
    `${name} holds ${describeCounts(existing)}; --merge adds the records of the file, and replaces those with the same id`,
  );
}

async function writeRecords(
  { archive, lifetimes }: OpenedArchive,
  source: ImportSource,
  end: ArchiveTrailer,
  { clock, signal, progress }: TransferContext,
): Promise<{ counts: RecordCounts; expired: number }> {
  const counts = { ...zeroCounts };
  let expired = 0;
  let done = 0;
  const total = totalOf(end.counts);
  await forEachConcurrently(readUnchanged(source, end), async (record) => {
    signal.throwIfAborted();
    if (isExpired(record, clock.now(), lifetimes)) expired++;
    else {
      await archive.restore(record);
      counts[record.kind]++;
    }
    done++;
    progress('writing', done, total);
  });
  return { counts, expired };
}

/**
 * Counts records that are missing or differ from the file: `changed` when other processes or eviction explain it, `lost`
 * otherwise.
 */
async function verifyWritten(
  { archive, lifetimes, shared }: OpenedArchive,
  source: ImportSource,
  total: number,
  { clock, signal, progress }: TransferContext,
  merge: boolean,
): Promise<{ changed: number; lost: number }> {
  const result = { changed: 0, lost: 0 };
  let done = 0;
  await forEachConcurrently(readArchive(source.name, source.read()), async (record) => {
    signal.throwIfAborted();
    const found = await archive.find(record);
    if (isExpired(record, clock.now() + (found ? 0 : maxClockSkewMs), lifetimes)) return;
    if (!found || !matches(found, record)) {
      const isExpected = merge && (shared || (!found && mayBeEvicted(record)));
      result[isExpected ? 'changed' : 'lost']++;
    }
    done++;
    progress('reading back', done, Math.max(done, total));
  });
  return result;
}

/** Adds to an error how to complete the import. */
function withResumeAdvice<T>(promise: Promise<T>): Promise<T> {
  return promise.catch((error: unknown) => {
    if (!(error instanceof SwobError)) throw error;
    throw new SwobError(
      error.code,
      `${error.message}; records already written stay: fix the cause, and import the same file again with --merge`,
      { cause: error },
    );
  });
}

async function requireNoOtherRecords({ archive, name }: OpenedArchive, written: RecordCounts): Promise<void> {
  const existing = await archive.count();
  if (recordKinds.every((kind) => existing[kind] <= written[kind])) return;
  throw new SwobError(
    'UNAVAILABLE',
    `${name} holds ${describeCounts(existing)}, more than the ${describeCounts(written)} of the file: another process writes to it; stop it, or import with --merge`,
  );
}

const neverEvicted: readonly RecordKind[] = ['seeds', 'users', 'inbound', 'callbacks', 'waitingSms'];

/** Whether a full store evicts records of this kind in favour of newer ones. */
function mayBeEvicted({ kind }: ArchivedRecord): boolean {
  return !neverEvicted.includes(kind);
}

/** A store with a shorter TTL may have shortened a record's, but never extends it. */
export function matches(found: ArchivedRecord, record: ArchivedRecord): boolean {
  if ('until' in found && 'until' in record && found.until > record.until) return false;
  // A store keeps the later delivery of a client that it knows.
  if (found.kind === 'clients' && record.kind === 'clients') {
    return found.record.lastDeliveryAt >= record.record.lastDeliveryAt;
  }
  return found.kind === record.kind && isDeepStrictEqual(found.record, record.record);
}

/** Reads the file again, and throws when it differs from what was verified. */
export async function* readUnchanged(
  source: ImportSource,
  expected: ArchiveTrailer,
): AsyncGenerator<ArchivedRecord> {
  const end = yield* readArchive(source.name, source.read());
  if (end.sha256 !== expected.sha256) {
    throw new SwobError('BAD_INPUT', `${source.name} was changed while it was imported`);
  }
}

/** Calls `work` for the items in order, `concurrency` of them at a time. Throws the first error. */
export async function forEachConcurrently<T>(
  items: AsyncGenerator<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  for await (const _ of mapConcurrent(items, concurrency, work));
}

// What an import of a file would do to the configured store: verifies the file, compares each record with the stored one,
// and changes nothing. For `swob store import --dry-run`.

import {
  type ArchivedRecord,
  isExpired,
  type RecordCounts,
  type RecordKind,
} from '../../store/archive/archive.ts';
import { type OpenedArchive, openArchive, type TransferContext, totalOf } from './store-archive.ts';
import {
  checkCapacity,
  forEachConcurrently,
  type ImportSource,
  matches,
  readUnchanged,
  verifyFile,
} from './store-import.ts';

/** The records of one kind in the file. */
interface RecordChanges {
  /** Their ids are not in the store. */
  readonly new: number;
  /** The store holds the same, or what it keeps in place of it, such as a later delivery. */
  readonly equal: number;
  /** The store holds other content under the same id. */
  readonly replaced: number;
  /** The store has no room for them, or never replaces its own. */
  readonly refused: number;
  /** They would be skipped. */
  readonly expired: number;
}

export interface ImportPreview {
  /** Records of the file. */
  readonly counts: RecordCounts;
  readonly changes: Readonly<Record<RecordKind, RecordChanges>>;
  /** The store, without a password. */
  readonly into: string;
}

/** Throws what `importStore` throws before it writes. Where records are refused, the import would fail with UNAVAILABLE. */
export async function previewImport(
  context: TransferContext,
  source: ImportSource,
  merge: boolean,
): Promise<ImportPreview> {
  const { clock, signal, progress } = context;
  const end = await verifyFile(source, context);
  const opened = await openArchive(context, 'preview');
  const { archive, name } = opened;
  try {
    await checkCapacity(opened, end, merge);
    const changes = noChanges();
    let done = 0;
    await forEachConcurrently(readUnchanged(source, end), async (record) => {
      signal.throwIfAborted();
      const outcome = isExpired(record, clock.now(), opened.lifetimes)
        ? 'expired'
        : compare(record, await archive.find(record));
      changes[record.kind][outcome]++;
      done++;
      progress('comparing', done, totalOf(end.counts));
    });
    await refuseSurplus(opened, changes);
    return { counts: end.counts, changes, into: name };
  } finally {
    await archive.close();
  }
}

function compare(record: ArchivedRecord, found: ArchivedRecord | undefined): keyof RecordChanges {
  if (!found) return 'new';
  if (matches(found, record)) return 'equal';
  // The audit trail is only ever added to.
  return record.kind === 'disconnects' ? 'refused' : 'replaced';
}

/** Kinds of which a full store takes no new records; of the others it evicts the oldest. */
const boundedKinds = ['seeds', 'inbound', 'callbacks', 'waitingSms'] as const;

async function refuseSurplus({ archive, capacity }: OpenedArchive, changes: MutableChanges): Promise<void> {
  const existing = await archive.count();
  for (const kind of boundedKinds) {
    const counts = changes[kind];
    const surplus = Math.min(counts.new, Math.max(0, existing[kind] + counts.new - capacity[kind]));
    counts.new -= surplus;
    counts.refused += surplus;
  }
}

type MutableChanges = Record<RecordKind, { -readonly [K in keyof RecordChanges]: number }>;

function noChanges(): MutableChanges {
  const none = () => ({ new: 0, equal: 0, replaced: 0, refused: 0, expired: 0 });
  return {
    seeds: none(),
    users: none(),
    inbound: none(),
    callbacks: none(),
    receipts: none(),
    responses: none(),
    clients: none(),
    tests: none(),
    disconnects: none(),
    messages: none(),
    waitingSms: none(),
  };
}

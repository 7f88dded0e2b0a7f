// Exports every record of the configured store to a file, for `swob store export`.

import type { ArchivedRecord, RecordCounts } from '../../store/archive/archive.ts';
import { writeArchive } from '../../store/archive/file.ts';
import { describeCounts, openArchive, type TransferContext, totalOf } from './store-archive.ts';

export interface ExportResult {
  readonly counts: RecordCounts;
  /** The counts as text. */
  readonly summary: string;
  /** Digest of all lines before the last. */
  readonly sha256: string;
  /** The store, without a password. */
  readonly from: string;
}

/**
 * `sink` writes the bytes, and removes what it has written when they end with an error. Throws UNAVAILABLE, CONFIG, and the
 * signal's reason.
 */
export async function exportStore(
  context: TransferContext & { readonly version: string },
  sink: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<ExportResult> {
  const { clock, signal, progress } = context;
  const { archive, name } = await openArchive(context, 'export');
  try {
    const total = totalOf(await archive.count());
    async function* records(): AsyncGenerator<ArchivedRecord> {
      let done = 0;
      for await (const record of archive.records()) {
        signal.throwIfAborted();
        yield record;
        done++;
        progress('writing', done, Math.max(done, total));
      }
    }
    const header = { made: new Date(clock.now()).toISOString(), by: `swob ${context.version}` };
    const bytes = writeArchive(header, records());
    let end: Pick<ExportResult, 'counts' | 'sha256'> | undefined;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      end = yield* bytes;
    }
    await sink(chunks());
    if (!end) throw new Error('the export was not consumed to its end');
    return { ...end, summary: describeCounts(end.counts), from: name };
  } finally {
    await archive.close();
  }
}

// Writes all that the store of the configuration keeps to a file, for `swob store export`.

import type { ArchivedRecord, Counts } from '../../store/archive.ts';
import { archiveBytes } from '../../store/archive-file.ts';
import { inWords, openArchive, type Porter, totalOf } from './store-archive.ts';

export interface Exported {
  readonly counts: Counts;
  /** The same for people. */
  readonly summary: string;
  /** Of the lines before the last. */
  readonly sha256: string;
  /** The store, without a password. */
  readonly from: string;
}

/**
 * Gives the bytes to `sink`, which takes them to where they belong and leaves nothing there when they end with an error.
 * Throws UNAVAILABLE, CONFIG, and the signal's reason.
 */
export async function exportStore(
  porter: Porter & { readonly version: string },
  sink: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Exported> {
  const { clock, signal, progress } = porter;
  const { archive, name } = await openArchive(porter, 'export');
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
    const header = { made: new Date(clock.now()).toISOString(), by: `swob ${porter.version}` };
    const bytes = archiveBytes(header, records());
    let end: Pick<Exported, 'counts' | 'sha256'> | undefined;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      end = yield* bytes;
    }
    await sink(chunks());
    if (!end) throw new Error('the export was not taken to its end');
    return { ...end, summary: inWords(end.counts), from: name };
  } finally {
    await archive.close();
  }
}

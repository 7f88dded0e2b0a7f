// Finds the registered seeds that have been silent longest, by reading all records. Only a full store needs them, so
// no index is maintained. Used by seeds.ts.

import type { Seed } from '../../domain/seeds/model.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { isSeed } from '../guards.ts';
import { parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { recordFiles } from './record-file.ts';

export interface EvictionCandidates {
  /** The IMSI of the next candidate, each once; undefined when there is none. It may have pinged since it was found. */
  next(): Promise<string | undefined>;
}

interface EvictionCandidatesOptions {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  /** Whether the seed is in memory, which means that it pinged recently. */
  readonly isRecent: (imsi: string) => boolean;
  /** Candidates per search: reading all records for each would take as long as all registrations together. */
  readonly batchSize: number;
}

/** Less than the queue's concurrency, so that other operations proceed. */
const readConcurrency = 8;

export function createEvictionCandidates({
  disk,
  queue,
  isRecent,
  batchSize,
}: EvictionCandidatesOptions): EvictionCandidates {
  /** The seed that has been silent longest is last. */
  let found: string[] = [];

  const read = async (name: string): Promise<Seed | undefined> => {
    const text = await disk.read(name);
    try {
      return text === undefined ? undefined : parseChecked(disk, name, text, isSeed);
    } catch {
      // The next read of this seed reports and quarantines the damaged file.
      return undefined;
    }
  };
  const search = async (): Promise<string[]> => {
    const silent: { readonly imsi: string; readonly lps: number }[] = [];
    for await (const files of recordFiles(disk, 'seeds')) {
      const names = files.filter((name) => name.endsWith('.json'));
      const seeds = mapConcurrent(names, readConcurrency, (name) => queue.run(() => read(name)));
      for await (const seed of seeds) {
        if (seed && !isRecent(seed.imsi)) silent.push({ imsi: seed.imsi, lps: seed.lps });
      }
    }
    silent.sort((a, b) => a.lps - b.lps);
    return silent
      .slice(0, batchSize)
      .map(({ imsi }) => imsi)
      .reverse();
  };

  return {
    next: async () => {
      if (found.length === 0) found = await search();
      return found.pop();
    },
  };
}

// Reads the ids of all users from their records, which takes minutes for a million. Used by user-ids.ts for a folder without an index.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { recordFiles } from './record-file.ts';
import { readUserId } from './user-record.ts';

interface ReadUserIdsOptions {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  /** Users who may not have a file yet. */
  readonly unfiled: () => Iterable<string>;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
  /** About the most ids in one call of `onIds`. */
  readonly maxInMemory: number;
  readonly onIds: (ids: ReadonlySet<string>) => Promise<void>;
}

/** Less than the queue's concurrency, so that other operations proceed. */
const readConcurrency = 8;
const progressMs = 10_000;

/** @returns the number of records that cannot be read. Throws UNAVAILABLE. */
export async function readUserIds(options: ReadUserIdsOptions): Promise<number> {
  const { disk, queue, clock, log, unfiled, assertOpen, maxInMemory, onIds } = options;
  let found = new Set(unfiled());
  let users = 0;
  let unreadable = 0;
  let reportAt = clock.monotonic() + progressMs;
  for await (const names of recordFiles(disk, 'users')) {
    assertOpen();
    const records = names.filter((name) => name.endsWith('.json'));
    const read = (name: string) => queue.run(() => readUserId(disk, name));
    for await (const userId of mapConcurrent(records, readConcurrency, read)) {
      if (userId === undefined) unreadable++;
      else found.add(userId);
    }
    users += records.length;
    if (clock.monotonic() >= reportAt) {
      log.info({ users }, 'building the index of users for lists, once; nothing else waits for it');
      reportAt = clock.monotonic() + progressMs;
    }
    if (found.size < maxInMemory) continue;
    await onIds(found);
    found = new Set();
  }
  await onIds(found);
  return unreadable;
}

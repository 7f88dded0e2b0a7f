// The ids of all users in a folder, whose file names are hashes: read from all records when users are listed first, and kept
// while they are few enough. Used by users.ts.

import type { Clock } from '../../domain/shared/ports.ts';
import { createKeyedMutex, mapConcurrent } from '../../lib/concurrency.ts';
import { isUser } from '../guards.ts';
import type { IdPage } from '../id-page.ts';
import { parseChecked } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { recordFiles } from './record-file.ts';

export interface UserIds {
  /** A user has a record now. */
  add(userId: string): void;
  /** Adds all ids to the page. Throws UNAVAILABLE. */
  collect(page: IdPage): Promise<void>;
}

/** About 10 MB; more are read again for each list. */
const maxKept = 100_000;
/** Records that an operator restores are found after this time, in milliseconds. */
const keptMs = 600_000;
/** Less than the queue's concurrency, so that other operations proceed. */
const readConcurrency = 8;

/** `unfiled`: users who may not have a file yet. */
export function createUserIds(
  disk: Disk,
  queue: DiskQueue,
  clock: Pick<Clock, 'monotonic'>,
  unfiled: () => Iterable<string>,
): UserIds {
  let kept: { readonly ids: Set<string>; readonly until: number } | undefined;
  /** Of the search that is running. */
  let found: Set<string> | undefined;
  /** One search at a time, as each reads every record. */
  const searches = createKeyedMutex();

  const read = async (name: string): Promise<string | undefined> => {
    const text = await disk.read(name);
    try {
      return text === undefined ? undefined : parseChecked(disk, name, text, isUser).userId;
    } catch {
      // `swob doctor` reports damaged records.
      return undefined;
    }
  };
  const keepFound = (userId: string): void => {
    found?.add(userId);
    if (found && found.size > maxKept) found = undefined;
  };
  const search = async (page: IdPage): Promise<void> => {
    found = new Set();
    for (const userId of unfiled()) {
      page.add(userId);
      keepFound(userId);
    }
    for await (const files of recordFiles(disk, 'users')) {
      const names = files.filter((name) => name.endsWith('.json'));
      const ids = mapConcurrent(names, readConcurrency, (name) => queue.run(() => read(name)));
      for await (const userId of ids) {
        if (userId === undefined) continue;
        page.add(userId);
        keepFound(userId);
      }
    }
    kept = found && { ids: found, until: clock.monotonic() + keptMs };
    found = undefined;
  };

  return {
    add: (userId) => {
      keepFound(userId);
      kept?.ids.add(userId);
      if (kept && kept.ids.size > maxKept) kept = undefined;
    },
    collect: (page) =>
      searches.run('', async () => {
        if (!kept || kept.until <= clock.monotonic()) return search(page);
        for (const userId of kept.ids) page.add(userId);
      }),
  };
}

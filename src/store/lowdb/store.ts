// The store of `[store] url = file:<folder>`: users, seeds, parcels and what is remembered on disk, sessions
// and limits in memory, one process at a time. Opened by app.

import type { Store } from '../../domain/ports.ts';
import { createMemoryLimits } from '../memory/limits.ts';
import { createMemorySessions } from '../memory/sessions.ts';
import type { StoreOptions } from '../options.ts';
import { storeClosed } from '../refusals.ts';
import { openFolder } from './folder.ts';
import { closeParts, openParts } from './parts.ts';
import { openLowdbSeeds } from './seeds.ts';
import { createLowdbUsers } from './users.ts';
import { createWork } from './work.ts';

/** Hidden: no record of the store. */
const probeFile = '.probe';

/** Files open at once, and requests that may wait for them. */
export const workBounds = { width: 32, maxWaiting: 10_000 };

/**
 * Opens the store, made when the folder is missing or empty. Throws UNAVAILABLE when another process
 * has it, or a file is damaged, or the disk refuses; CONFIG when the folder is no store of this version.
 */
export async function openLowdbStore(options: StoreOptions & { readonly folder: string }): Promise<Store> {
  const { disk, release } = await openFolder(options.folder, options);
  try {
    let closing: Promise<void> | undefined;
    const assertOpen = (): void => {
      if (closing) throw storeClosed();
    };
    const work = createWork(workBounds);
    const { clock } = options;
    const seeds = await openLowdbSeeds(disk, work, options, assertOpen);
    const { inbound, callbacks, published, answers } = await openParts(options, disk, work, assertOpen);

    return {
      seeds: seeds.store,
      sessions: createMemorySessions(clock, options.sessions),
      limits: createMemoryLimits(clock),
      users: createLowdbUsers(disk, work, clock, assertOpen),
      inbound,
      published: published.store,
      callbacks,
      answers: answers.store,
      probe: async () => {
        assertOpen();
        // Through the same queue as everything else: a disk that hangs is found by it, too.
        await work.inTurn('probe', () => disk.write(probeFile, ''));
      },
      close: () => {
        closing ??= closeParts(work, [seeds, published, answers], release);
        return closing;
      },
    };
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
}

// The store of `[store] url = file:<folder>`: users, seeds, parcels and what is remembered on disk, sessions
// and limits in memory, one process at a time. Opened by app.

import { resolve } from 'node:path';
import type { Store } from '../../domain/ports.ts';
import { SwobError } from '../../errors.ts';
import { makeFolder } from '../../folders.ts';
import { diskError } from '../disk-error.ts';
import { acquireLock } from '../lock.ts';
import { createMemoryLimits } from '../memory/limits.ts';
import { createMemorySessions } from '../memory/sessions.ts';
import type { StoreOptions } from '../options.ts';
import { storeClosed, tooManyCallbacks, tooManyMessages } from '../refusals.ts';
import { isCallback, isInboundSms, isReceipt, isRememberedAnswer } from '../shapes.ts';
import { charactersOfAnswer } from '../weights.ts';
import { createDisk } from './disk.ts';
import { openLowdbMemo } from './memo.ts';
import { inspectFolder, writeMeta } from './meta.ts';
import { openLowdbOutbox } from './outbox.ts';
import { openLowdbSeeds } from './seeds.ts';
import { createLowdbUsers } from './users.ts';
import { createWork } from './work.ts';

/** Hidden: no record of the store. */
const probeFile = '.probe';

/** Files open at once, and requests that may wait for them. */
const workBounds = { width: 32, maxWaiting: 10_000 };

/**
 * Opens the store, made when the folder is missing or empty. Throws UNAVAILABLE when another process
 * has it, or a file is damaged, or the disk refuses; CONFIG when the folder is no store of this version.
 */
export async function openLowdbStore(options: StoreOptions & { readonly folder: string }): Promise<Store> {
  const folder = resolve(options.folder);
  await makeFolder(folder).catch((error: unknown) => {
    throw diskError(`cannot make the store's folder ${folder}`, error, 'opening');
  });
  // Looked at before the lock as well, so that no lock file lands in another program's folder.
  await inspectFolder(createDisk(folder, () => {}));

  const lock = await acquireLock(folder, options.clock);
  const disk = createDisk(folder, () => {
    if (!lock.lost) return;
    throw new SwobError(
      'UNAVAILABLE',
      `another process has taken over the store ${folder}; restart this one`,
    );
  });
  try {
    if ((await inspectFolder(disk)) === 'new') await writeMeta(disk);

    let closing: Promise<void> | undefined;
    const assertOpen = (): void => {
      if (closing) throw storeClosed();
    };
    const work = createWork(workBounds);
    const { clock, log } = options;
    const seeds = await openLowdbSeeds(disk, work, options, assertOpen);
    const outboxes = { disk, work, log, assertOpen };
    const inbound = await openLowdbOutbox({
      ...outboxes,
      ...options.inbound,
      kind: 'inbound',
      isContent: isInboundSms,
      full: tooManyMessages,
    });
    const callbacks = await openLowdbOutbox({
      ...outboxes,
      ...options.callbacks,
      kind: 'callbacks',
      isContent: isCallback,
      full: tooManyCallbacks,
    });
    const memos = { disk, clock, log, assertOpen };
    const published = await openLowdbMemo({
      ...memos,
      name: 'published',
      isValue: isReceipt,
      bounds: options.published,
    });
    const answers = await openLowdbMemo({
      ...memos,
      name: 'answers',
      isValue: isRememberedAnswer,
      bounds: options.answers,
      charactersOf: charactersOfAnswer,
    });

    const close = async (): Promise<void> => {
      try {
        await work.idle();
        const closed = await Promise.allSettled([seeds.close(), published.close(), answers.close()]);
        for (const each of closed) if (each.status === 'rejected') throw each.reason;
      } finally {
        await lock.release();
      }
    };
    return {
      seeds: seeds.store,
      sessions: createMemorySessions(clock, options.sessions),
      limits: createMemoryLimits(clock),
      users: createLowdbUsers(disk, work, assertOpen),
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
        closing ??= close();
        return closing;
      },
    };
  } catch (error) {
    await lock.release().catch(() => {});
    throw error;
  }
}

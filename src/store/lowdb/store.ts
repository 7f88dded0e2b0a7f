// The store of `[store] url = file:<folder>`, for one process at a time: users, seeds, outboxes, receipts, responses,
// outgoing messages, audited disconnects and wrong guesses are on disk; sessions and other limits are in memory. Opened by app.

import { randomBytes } from 'node:crypto';
import type { EmbeddedStore } from '../adapter.ts';
import { storeClosedError } from '../errors.ts';
import { createMemoryPasswordClaims } from '../memory/password-claims.ts';
import { createMemorySessions } from '../memory/sessions.ts';
import type { StoreOptions } from '../options.ts';
import { closeAll, openCollections } from './collections.ts';
import { quarantineDamage } from './damaged-files.ts';
import { openLowdbClients } from './delivering-clients.ts';
import { openLowdbDisconnects } from './disconnects.ts';
import { openLowdbLimits } from './limits.ts';
import { openLowdbMonitoring } from './monitoring.ts';
import { openFolder } from './open-folder.ts';
import { openLowdbTests } from './reliability-tests.ts';
import { openLowdbSeeds } from './seeds.ts';
import { openLowdbUsers } from './users.ts';

/** Hidden, so that it does not count as a record. */
const probeFile = '.probe';
/**
 * Bytes that a probe writes as hex: as much as a record and the entry of a new folder. An empty file can be created
 * on a full disk, and repetitive data takes no space on a file system that compresses.
 */
const probeBytes = 4_096;

/**
 * Opens the store, creating it when the folder is missing or empty. Throws UNAVAILABLE when another process uses it
 * or for errors of the disk; CONFIG when the folder is not a store, is of a later version, or has a damaged
 * meta.json. Other damaged files are quarantined.
 */
export async function openLowdbStore(
  options: StoreOptions & { readonly folder: string },
): Promise<EmbeddedStore> {
  const { disk, queue, cleanShutdown, openSnapshot, release } = await openFolder(options.folder, options);
  try {
    let closing: Promise<void> | undefined;
    const assertOpen = (): void => {
      if (closing) throw storeClosedError();
    };
    const { clock, log } = options;
    const opened = {
      ...options,
      disk,
      queue,
      damage: quarantineDamage(disk, log, clock),
      cleanShutdown,
      openSnapshot,
      assertOpen,
    };
    const users = await openLowdbUsers(opened);
    const seeds = await openLowdbSeeds(opened);
    const clients = await openLowdbClients(opened);
    const tests = await openLowdbTests(opened);
    const monitoring = await openLowdbMonitoring(opened);
    const collections = await openCollections(opened);
    const disconnects = await openLowdbDisconnects(opened);
    const limits = await openLowdbLimits(opened);
    const { joinProcess } = collections;
    const { inbound, callbacks, waitingSms } = joinProcess();
    users.prepareLists();

    return {
      seeds: seeds.store,
      clients,
      tests: tests.store,
      sessions: createMemorySessions(clock, options.sessions),
      passwordClaims: createMemoryPasswordClaims(clock),
      limits: limits.store,
      users: users.store,
      inbound,
      callbacks,
      waitingSms,
      receipts: collections.receipts.store,
      responses: collections.responses.store,
      signOuts: collections.signOuts.store,
      messages: collections.messages.store,
      monitoring,
      disconnects: disconnects.store,
      probe: async () => {
        assertOpen();
        if (users.failure) throw users.failure;
        // Uses the same queue as all other operations, so that a hanging disk is detected too.
        await queue.runExclusive('probe', () =>
          disk.write(probeFile, randomBytes(probeBytes).toString('hex')),
        );
      },
      close: () => {
        closing ??= closeAll(
          queue,
          [users, seeds, tests, ...collections.parts, disconnects, limits],
          release,
        );
        return closing;
      },
      joinProcess,
    };
  } catch (error) {
    await release().catch(() => {});
    throw error;
  }
}

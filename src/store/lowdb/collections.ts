// Opens and closes the outboxes, TTL stores and outgoing messages of a lowdb store. Used by the store and its archive.

import { callbacksFullError, inboundFullError, waitingSmsFullError } from '../errors.ts';
import { isCallback, isInboundSms, isReceipt, isSignOut, isStoredResponse, isWaitingSms } from '../guards.ts';
import type { StoreOptions } from '../options.ts';
import { joinOutboxes } from '../process-outbox.ts';
import { responseCharacters } from '../weights.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import type { DiskQueue } from './disk-queue.ts';
import { openIndexedTtlStore } from './indexed-ttl-store.ts';
import { openLowdbOutbox } from './outbox.ts';
import { openLowdbMessages } from './outgoing-messages.ts';
import type { OpenSnapshot } from './snapshots.ts';
import { openLowdbTtlStore } from './ttl-store.ts';

export interface CollectionsOptions extends StoreOptions {
  readonly disk: Disk;
  readonly queue: DiskQueue;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  readonly openSnapshot: OpenSnapshot;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

/** Throws what the damage handler throws, and UNAVAILABLE for errors of the disk. */
export async function openCollections(options: CollectionsOptions) {
  const { clock, log, disk, queue, damage, cleanShutdown, openSnapshot, assertOpen } = options;
  const outboxes = { disk, queue, log, damage, openSnapshot, assertOpen };
  const inbound = await openLowdbOutbox({
    ...outboxes,
    ...options.inbound,
    kind: 'inbound',
    isContent: isInboundSms,
    full: inboundFullError,
  });
  const callbacks = await openLowdbOutbox({
    ...outboxes,
    ...options.callbacks,
    kind: 'callbacks',
    isContent: isCallback,
    full: callbacksFullError,
  });
  const waitingSms = await openLowdbOutbox({
    ...outboxes,
    ...options.waitingSms,
    kind: 'waitingSms',
    isContent: isWaitingSms,
    full: waitingSmsFullError,
  });
  const ttlOptions = { disk, clock, log, damage, cleanShutdown, assertOpen };
  const receipts = await openIndexedTtlStore({
    ...ttlOptions,
    queue,
    name: 'receipts',
    isValue: isReceipt,
    beginnings: ['{"reply":"published","history":[', '{"reply":"accepted","history":['],
    bounds: options.receipts,
  });
  const responses = await openLowdbTtlStore({
    ...ttlOptions,
    name: 'responses',
    isValue: isStoredResponse,
    bounds: options.responses,
    charactersOf: responseCharacters,
  });
  const signOuts = await openLowdbTtlStore({
    ...ttlOptions,
    name: 'sign-outs',
    isValue: isSignOut,
    bounds: options.signOuts,
  });
  const messages = await openLowdbMessages(options);
  const parts = { inbound, callbacks, waitingSms, receipts, responses, signOuts, messages };
  return {
    ...parts,
    /** The outboxes as one process uses them. */
    joinProcess: () =>
      joinOutboxes({ inbound: inbound.join, callbacks: callbacks.join, waitingSms: waitingSms.join }),
    parts: Object.values(parts),
  };
}

/**
 * Waits for pending operations, closes every part even when another one fails, and releases the folder. A part
 * returns false when it could not be closed cleanly.
 */
export async function closeAll(
  queue: DiskQueue,
  parts: readonly { close(): Promise<unknown> }[],
  release: (cleanShutdown: boolean) => Promise<void>,
): Promise<void> {
  let cleanShutdown = false;
  try {
    await queue.idle();
    const closed = await Promise.allSettled(parts.map((part) => part.close()));
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
    cleanShutdown = closed.every((each) => each.status === 'fulfilled' && each.value !== false);
  } finally {
    await release(cleanShutdown);
  }
}

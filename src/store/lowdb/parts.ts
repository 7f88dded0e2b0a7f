// The parcels and memos of a lowdb store with their files. Opened by the store and by its archive.

import type { StoreOptions } from '../options.ts';
import { tooManyCallbacks, tooManyMessages } from '../refusals.ts';
import { isCallback, isInboundSms, isReceipt, isRememberedAnswer } from '../shapes.ts';
import { charactersOfAnswer } from '../weights.ts';
import type { Disk } from './disk.ts';
import { openLowdbMemo } from './memo.ts';
import { openLowdbOutbox } from './outbox.ts';
import type { Work } from './work.ts';

/** `assertOpen` throws when the store is closed. Throws CONFIG when a file is damaged, UNAVAILABLE when the disk refuses. */
export async function openParts(options: StoreOptions, disk: Disk, work: Work, assertOpen: () => void) {
  const { clock, log } = options;
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
  return { inbound, callbacks, published, answers };
}

/** Waits for what is under way, closes each, also when another one fails, and lets go of the folder. */
export async function closeParts(
  work: Work,
  parts: readonly { close(): Promise<void> }[],
  release: () => Promise<void>,
): Promise<void> {
  try {
    await work.idle();
    const closed = await Promise.allSettled(parts.map((part) => part.close()));
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  } finally {
    await release();
  }
}

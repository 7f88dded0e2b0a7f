// Opens the configured store for an export or import of all its records. Used by store-export.ts and store-import.ts.

import type { Config } from '../../config/schema.ts';
import { redactStoreUrl } from '../../config/store-url.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import {
  capacityOf,
  type RecordCounts,
  type RecordKind,
  type RecordLifetimes,
  recordKinds,
  type StoreArchive,
  type StoreCapacity,
} from '../../store/archive/archive.ts';
import { storeOptions } from './store.ts';
import { storeAdapterOf } from './store-adapters.ts';

export type Progress = (
  step: 'checking' | 'comparing' | 'writing' | 'reading back',
  done: number,
  total: number,
) => void;

/** What an export or import needs from the command. */
export interface TransferContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called often, with `done` of `total` records or bytes. */
  readonly progress: Progress;
}

export interface OpenedArchive {
  readonly archive: StoreArchive;
  /** Other processes can use the store at the same time. */
  readonly shared: boolean;
  /** The store's limits. */
  readonly capacity: StoreCapacity;
  readonly lifetimes: RecordLifetimes;
  /** Without a password. */
  readonly name: string;
}

/**
 * Throws UNAVAILABLE, naming the holder, while a daemon uses the folder; CONFIG for `memory:` and for a folder that is not a
 * store. An import creates a folder that does not exist; an export does not.
 */
export async function openArchive(
  { config, clock, log }: Pick<TransferContext, 'config' | 'clock' | 'log'>,
  purpose: 'export' | 'import' | 'preview',
): Promise<OpenedArchive> {
  const options = storeOptions(config, { clock, log });
  const { isShared, openArchive: open } = storeAdapterOf(config);
  const name = redactStoreUrl(config.store.url);
  if (!open) {
    throw new SwobError(
      'CONFIG',
      `[store] url = ${name} has nothing to export or import; name a store with --set store.url=<url>`,
    );
  }
  const archive = await open(options, purpose);
  return {
    name,
    capacity: capacityOf(options),
    lifetimes: {
      messagesMs: options.messages.ttlMs,
      disconnectsMs: options.disconnects.ttlMs,
      testsMs: options.tests.ttlMs,
    },
    shared: isShared,
    archive,
  };
}

export function totalOf(counts: RecordCounts): number {
  return recordKinds.reduce((total, kind) => total + counts[kind], 0);
}

/** `3 seeds, 1 user`; `nothing`. */
export function describeCounts(counts: RecordCounts): string {
  const parts = recordKinds.flatMap((kind) => {
    const [one, more] = kindWords[kind];
    return counts[kind] > 0 ? [`${counts[kind]} ${counts[kind] === 1 ? one : more}`] : [];
  });
  return parts.length > 0 ? parts.join(', ') : 'nothing';
}

const kindWords: Record<RecordKind, readonly [one: string, more: string]> = {
  seeds: ['seed', 'seeds'],
  users: ['user', 'users'],
  inbound: ['inbound SMS', 'inbound SMS'],
  callbacks: ['callback', 'callbacks'],
  receipts: ['receipt', 'receipts'],
  responses: ['response', 'responses'],
  clients: ['gateway client', 'gateway clients'],
  tests: ['reliability test', 'reliability tests'],
  disconnects: ['audited disconnect', 'audited disconnects'],
  messages: ['outgoing SMS', 'outgoing SMS'],
  waitingSms: ['waiting SMS', 'waiting SMS'],
};

// Opens the store of the configuration to carry all of it elsewhere, or to take all of it in. Used by store-export.ts
// and store-import.ts.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { parseStoreUrl, shownStoreUrl } from '../../config/store-url.ts';
import type { Clock, Log } from '../../domain/ports.ts';
import { errnoOf, messageOf, SwobError } from '../../errors.ts';
import {
  type Counts,
  capacityOf,
  type RecordKind,
  recordKinds,
  type StoreArchive,
} from '../../store/archive.ts';
import { storeOptions } from './store.ts';

export type Progress = (step: 'checking' | 'writing' | 'reading back', done: number, total: number) => void;

/** What carrying needs of the command. */
export interface Porter {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** How far a step is: `done` of `total`. Called often. */
  readonly progress: Progress;
}

export interface OpenedArchive {
  readonly archive: StoreArchive;
  /** Other processes can have it at the same time. */
  readonly shared: boolean;
  /** The most that it keeps. */
  readonly capacity: Counts;
  /** Without a password. */
  readonly name: string;
}

/**
 * Throws UNAVAILABLE, naming the holder, while a daemon has the folder; CONFIG for `memory:`, and for a folder that is
 * no store: one that does not exist is made for 'import' only.
 */
export async function openArchive(
  { config, clock, log }: Pick<Porter, 'config' | 'clock' | 'log'>,
  purpose: 'export' | 'import',
): Promise<OpenedArchive> {
  const options = storeOptions(config, { clock, log });
  const url = parseStoreUrl(config.store.url);
  const facts = { name: shownStoreUrl(config.store.url), capacity: capacityOf(options) };
  if (url.kind === 'memory') {
    throw new SwobError(
      'CONFIG',
      `[store] url = memory: keeps nothing that could be carried; name the store with --set store.url=<url>`,
    );
  }
  if (url.kind === 'redis') {
    const { openRedisStoreArchive } = await import('./redis.ts');
    return { ...facts, shared: true, archive: await openRedisStoreArchive(config, url, options) };
  }
  // Otherwise a mistyped name would make an empty backup of an empty folder.
  if (purpose === 'export') await checkIsStore(resolve(url.folder));
  const { openLowdbArchive } = await import('../../store/lowdb/archive.ts');
  return {
    ...facts,
    shared: false,
    archive: await openLowdbArchive({ ...options, folder: url.folder }),
  };
}

async function checkIsStore(folder: string): Promise<void> {
  try {
    await stat(join(folder, 'meta.json'));
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'no meta.json there' : messageOf(error);
    throw new SwobError(
      'CONFIG',
      `${folder} is no store that swob can read (${reason}); is [store] url the right one, and this the user of the service?`,
    );
  }
}

export function totalOf(counts: Counts): number {
  return recordKinds.reduce((total, kind) => total + counts[kind], 0);
}

/** `3 seeds, 1 user`; `nothing`. */
export function inWords(counts: Counts): string {
  const parts = recordKinds.flatMap((kind) => {
    const [one, more] = words[kind];
    return counts[kind] > 0 ? [`${counts[kind]} ${counts[kind] === 1 ? one : more}`] : [];
  });
  return parts.length > 0 ? parts.join(', ') : 'nothing';
}

const words: Record<RecordKind, readonly [one: string, more: string]> = {
  seeds: ['seed', 'seeds'],
  users: ['user', 'users'],
  inbound: ['inbound SMS', 'inbound SMS'],
  callbacks: ['callback', 'callbacks'],
  published: ['receipt', 'receipts'],
  answers: ['answer', 'answers'],
};

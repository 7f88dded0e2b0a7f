// Removes dead letters once operators have had time to see them. Used by outbox.ts.

import type { KeyedMutex } from '../../lib/concurrency.ts';
import type { EntryAges } from './entry-age.ts';
import type { OutboxEntry } from './model.ts';
import type { Clock, OutboxStore } from './ports.ts';

export interface Retention {
  start(): void;
  stop(): void;
}

export interface RetentionOptions<T> {
  readonly store: Pick<OutboxStore<T>, 'deadLetters' | 'replaceDeadLetter' | 'get'>;
  readonly clock: Clock;
  readonly ages: EntryAges;
  readonly ttlMs: number;
  /** By the id of an entry: what an operator requests for it must not be overwritten by what was read before. */
  readonly changes: Pick<KeyedMutex, 'run'>;
  readonly removeDeadLetter: (entry: OutboxEntry<T>, why: string) => Promise<void>;
  readonly onStoreFailure: (error: unknown) => void;
}

const dayMs = 86_400_000;
const page = 100;

/** Milliseconds between two sweeps: ten during the time to live of a dead letter, and at least one a day. */
export function retentionSweepMs(ttlMs: number): number {
  return Math.min(dayMs, Math.max(1_000, ttlMs / 10));
}

/** Each sweep stores the age of the dead letters, so that a restart does not reset it. */
export function createRetention<T>(options: RetentionOptions<T>): Retention {
  const { store, clock, ages, ttlMs, changes, removeDeadLetter, onStoreFailure } = options;
  const everyMs = retentionSweepMs(ttlMs);
  let stop = (): void => {};
  let sweeping = false;

  /** @returns whether the entry is still there */
  const check = async (entry: OutboxEntry<T>): Promise<boolean> => {
    const ageMs = ages.of(entry);
    if (ageMs >= ttlMs) {
      await removeDeadLetter(entry, 'its time to live is over');
      return false;
    }
    if (ageMs - (entry.ageMs ?? 0) < everyMs) return true;
    await changes.run(entry.id, async () => {
      const now = await store.get(entry.id);
      // Another process may retry it meanwhile.
      if (now?.dueAt === null) await store.replaceDeadLetter(ages.stamp(now), now.since);
    });
    return true;
  };

  const sweep = async (): Promise<void> => {
    if (sweeping) return;
    sweeping = true;
    try {
      for (let offset = 0, more = true; more; ) {
        const entries = await store.deadLetters(page, offset);
        for (const entry of entries) if (await check(entry)) offset++;
        more = entries.length > 0;
      }
    } finally {
      sweeping = false;
    }
  };
  const begin = (): void => void sweep().catch(onStoreFailure);

  return {
    start: () => {
      if (ttlMs === 0) return;
      begin();
      stop = clock.every(everyMs, begin);
    },
    stop: () => stop(),
  };
}

// The age of an entry by elapsed time rather than by the wall clock, which may be wrong at start-up and set at any
// time. Used by outbox.ts.

import { dropOldest } from '../../lib/drop-oldest.ts';
import type { OutboxEntry } from './model.ts';
import type { Clock } from './ports.ts';

type Times = Pick<OutboxEntry<unknown>, 'id' | 'since' | 'dueAt' | 'ageMs' | 'ageRecordedAt'>;

export interface EntryAges {
  /** The age in milliseconds. */
  of(entry: Times): number;
  /** The entry with its current age, to be stored. */
  stamp<P extends Times>(entry: P): P & Required<Pick<Times, 'ageMs' | 'ageRecordedAt'>>;
  /** The entry with age 0, to be stored. */
  restart<P extends Times>(entry: P): P & Required<Pick<Times, 'ageMs' | 'ageRecordedAt'>>;
  forget(id: string): void;
}

/** Allowance for the delay between the due time of an entry and its attempt, when another process has stored it. */
const slackMs = 60_000;
/** Entries whose age is tracked; those that another process has taken over stay until they are evicted. */
const maxTracked = 100_000;

/** @param unseenMs the most that the wall clock may add to the age of a dead letter after a restart */
export function createEntryAges(clock: Pick<Clock, 'now' | 'monotonic'>, unseenMs: number): EntryAges {
  const written = new Map<string, { readonly ageRecordedAt: number; readonly monotonic: number }>();

  const of = ({ id, since, dueAt, ageMs = 0, ageRecordedAt = since }: Times): number => {
    const known = written.get(id);
    if (known?.ageRecordedAt === ageRecordedAt) return ageMs + clock.monotonic() - known.monotonic;
    // Stored by another process or before a restart: the wall clock may add no more than the pause that was planned.
    const most = dueAt === null ? unseenMs : Math.max(0, dueAt - ageRecordedAt) + slackMs;
    return ageMs + Math.min(Math.max(0, clock.now() - ageRecordedAt), most);
  };

  const stampAs = <P extends Times>(entry: P, ageMs: number) => {
    const ageRecordedAt = clock.now();
    written.delete(entry.id);
    written.set(entry.id, { ageRecordedAt, monotonic: clock.monotonic() });
    dropOldest(written, maxTracked);
    return { ...entry, ageMs, ageRecordedAt };
  };

  return {
    of,
    stamp: (entry) => stampAs(entry, of(entry)),
    restart: (entry) => stampAs(entry, 0),
    forget: (id) => void written.delete(id),
  };
}

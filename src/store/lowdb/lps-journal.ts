// Seeds that became active since lps.json was last written, one line each, on disk before their ping is acknowledged.
// Otherwise a seed whose first ping was acknowledged just before a kill would be registered but not active. Used by
// seeds.ts and archive.ts of the lowdb store.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { isObject } from '../../lib/json.ts';
import { isNumber } from '../guards.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { createGroupCommit } from './group-commit.ts';
import { openSegments } from './segments.ts';

export interface LpsJournalOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  /** The last line that lps.json covers, or a later one. */
  readonly covered: number;
}

export interface LpsJournal {
  /** LPS by IMSI of the lines that lps.json did not cover when the journal was opened. */
  readonly found: ReadonlyMap<string, number>;
  /** The last line on disk, to be written to lps.json together with the LPS that are in memory at the same moment. */
  readonly last: number;
  /** Resolves once the line is on disk; `onWritten` is called before, at the moment when `last` becomes this line. */
  add(seed: { readonly imsi: string; readonly lps: number }, onWritten: () => void): Promise<void>;
  /** lps.json is on disk and covers the lines up to this one, so their files become obsolete. */
  cover(line: number): void;
  /** Throws UNAVAILABLE when it could not be closed cleanly. */
  close(): Promise<void>;
}

interface JournalEntry {
  /** The line's number, which continues over restarts. */
  readonly line: number;
  readonly lps: number;
}

const linesPerFile = 1_000;

export async function openLpsJournal(options: LpsJournalOptions): Promise<LpsJournal> {
  const { clock } = options;
  let { covered } = options;
  let last = covered;
  const found = new Map<string, number>();
  const lastOf = new Map<number, number>();
  const segments = await openSegments<JournalEntry>({
    ...options,
    name: 'lps',
    isValue: isJournalEntry,
    maxLines: linesPerFile,
    maxAgeMs: Number.POSITIVE_INFINITY,
    onLine: ({ key, value }, _ageMs, { segment }) => {
      if (value.line > covered) found.set(key, value.lps);
      last = Math.max(last, value.line);
      lastOf.set(segment, value.line);
    },
    inUse: () => {
      for (const [segment, line] of lastOf) if (line <= covered) lastOf.delete(segment);
      return new Set(lastOf.keys());
    },
  });
  const writer = createGroupCommit(segments);
  let given = last;

  return {
    found,
    get last() {
      return last;
    },
    add: ({ imsi, lps }, onWritten) => {
      const line = ++given;
      const value: JournalEntry = { line, lps };
      return writer.add(JSON.stringify({ key: imsi, at: clock.now(), value }), (segment) => {
        last = line;
        lastOf.set(segment, line);
        onWritten();
      });
    },
    cover: (line) => {
      covered = line;
    },
    close: async () => {
      await writer.idle();
      await segments.close();
    },
  };
}

function isJournalEntry(value: unknown): value is JournalEntry {
  return isObject(value) && isNumber(value.line) && isNumber(value.lps);
}

// Changes of users that their files may not have yet: lines of `user-journal/<n>.ndjson`, which share their syncs, and in
// memory. Some seconds later the files are written, synced together, and the lines become obsolete. The folder sorts before
// `users`, so that a copy of the store has each change in at least one of the two. Used by users.ts.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf, type SwobError } from '../../errors.ts';
import { mapConcurrent } from '../../lib/concurrency.ts';
import { DamagedFileError, type DamageHandler } from './damaged-files.ts';
import type { Disk, NamedText } from './disk.ts';
import { createFlusher } from './flusher.ts';
import { closeAfterWrites, createGroupCommit } from './group-commit.ts';
import { openSegments } from './segments.ts';
import { userJournalFolder } from './user-journal-files.ts';
import {
  fromRecord,
  isUserRecord,
  readUserFile,
  type StoredUser,
  toRecord,
  type UserRecord,
  userFileOf,
} from './user-record.ts';

export interface UserJournalOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  readonly bounds?: UserJournalBounds;
}

interface UserJournalBounds {
  readonly linesPerSegment: number;
  /** Lines that the files may lack before new ones wait; the files are written without a delay from half of that. */
  readonly maxLines: number;
  /** The same in characters; the records in memory are fewer. */
  readonly maxCharacters: number;
}

export interface UserJournal {
  /** Undefined when the user's file, if any, has the newest record. */
  get(userId: string): StoredUser | undefined;
  /** Those that `get` knows. */
  userIds(): Iterable<string>;
  /**
   * Resolves once the line is on disk and `get` returns it. Waits while the files have fallen too far behind. Throws
   * UNAVAILABLE, and changes nothing then.
   */
  add(stored: StoredUser): Promise<void>;
  /** Resolves once all files are on disk. Throws UNAVAILABLE. */
  flush(): Promise<void>;
  /** Why the files could not be written, until they can. */
  readonly failure: SwobError | undefined;
  /**
   * Leaves no journal when the files can be written in the time that a stop allows; otherwise the next start continues.
   * False when the journal could not be closed cleanly.
   */
  close(): Promise<boolean>;
}

/** A user who pairs again within this time causes one write of the file. */
const delayMs = 10_000;
const retryMs = 1_000;
const maxRetryMs = 60_000;
/** Of the 10 s of a stop. */
const closeMs = 2_000;
/** About 6,000 pairings. */
const defaultBounds: UserJournalBounds = {
  linesPerSegment: 2_048,
  maxLines: 8_192,
  maxCharacters: 8 * 1_024 * 1_024,
};
const readConcurrency = 32;
/** How often a new segment begins, and those are removed whose lines are all in files: a replaced key must not stay there for long. */
const renewMs = 5 * 60_000;

/** Everything up to a line: the number of lines, and of their characters. */
interface Position {
  readonly lines: number;
  readonly characters: number;
}

/**
 * Reads what earlier processes have left, so that every later read has it. Throws what the damage handler throws, and
 * UNAVAILABLE.
 */
export async function openUserJournal(options: UserJournalOptions): Promise<UserJournal> {
  const { disk, clock, log, bounds = defaultBounds } = options;
  /** The newest record of each user, by user id. */
  const pending = new Map<string, StoredUser>();
  /** Written lines, those that the files have too, and those that were given to the writer. */
  let written: Position = { lines: 0, characters: 0 };
  let covered = written;
  let given = written;
  /** The last line of each segment. */
  const lastOf = new Map<number, number>();
  let stopping = false;

  const note = (stored: StoredUser, characters: number, segment: number): void => {
    written = moved(written, 1, characters);
    lastOf.set(segment, written.lines);
    pending.set(stored.user.userId, stored);
  };
  const segments = await openSegments<UserRecord>({
    ...options,
    name: userJournalFolder,
    isValue: isUserRecord,
    maxLines: bounds.linesPerSegment,
    maxAgeMs: Number.POSITIVE_INFINITY,
    onLine: ({ value }, _ageMs, { segment }) =>
      note(fromRecord(value), JSON.stringify(value).length, segment),
    inUse: () => {
      for (const [segment, line] of lastOf) if (line <= covered.lines) lastOf.delete(segment);
      return new Set(lastOf.keys());
    },
  });
  given = written;
  const writer = createGroupCommit(segments);

  /** The files of all users in the journal; ends early at a stop. */
  function* pendingFiles(saved: Map<string, StoredUser>): Generator<NamedText> {
    for (const userId of [...pending.keys()]) {
      if (stopping) return;
      const stored = pending.get(userId);
      if (!stored) continue;
      saved.set(userId, stored);
      yield userFileOf(stored);
    }
  }

  /** Writes the files, and then drops what they have. */
  const writeFiles = async (): Promise<void> => {
    const upTo = written;
    const saved = new Map<string, StoredUser>();
    await disk.writeAll(pendingFiles(saved));
    if (stopping) return;
    for (const [userId, stored] of saved) if (pending.get(userId) === stored) pending.delete(userId);
    covered = upTo;
    // Lines that were written meanwhile.
    if (pending.size > 0) flusher.mark();
  };
  const flusher = createFlusher({
    clock,
    log,
    folder: disk.folder,
    delayMs,
    retryMs,
    maxRetryMs,
    failureMessage:
      'the records of users cannot be written; their journal keeps them, and fills up unless it is mended',
    write: writeFiles,
  });

  const isBehind = (share: number): boolean =>
    given.lines - covered.lines >= share * bounds.maxLines ||
    given.characters - covered.characters >= share * bounds.maxCharacters;
  const untilSpace = async (): Promise<void> => {
    while (isBehind(1)) {
      // Lines that are given but not written yet cannot be in files.
      await writer.idle();
      if (flusher.failure) throw flusher.failure;
      await flusher.flush();
    }
  };

  const renew = async (): Promise<void> => {
    if (lastOf.size === 0 || flusher.failure) return;
    await writer.between(segments.renew).catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'could not begin a new file of the journal of users');
    });
  };
  const stopRenewing = clock.every(renewMs, () => void renew());

  await dropOlder(disk, pending);
  if (pending.size > 0) flusher.mark();
  else covered = written;

  return {
    get: (userId) => pending.get(userId),
    userIds: () => pending.keys(),
    add: async (stored) => {
      await untilSpace();
      const value = toRecord(stored);
      const line = JSON.stringify({ key: stored.user.userId, at: clock.now(), value });
      given = moved(given, 1, line.length);
      try {
        await writer.add(line, (segment) => {
          note(stored, line.length, segment);
          flusher.mark();
        });
      } catch (error) {
        given = moved(given, -1, -line.length);
        throw error;
      }
      if (isBehind(0.5) && !flusher.failure) void flusher.flush();
    },
    flush: async () => {
      await flusher.flush();
      if (flusher.failure) throw flusher.failure;
    },
    get failure() {
      return flusher.failure;
    },
    close: async () => {
      stopRenewing();
      await writer.idle();
      const cancel = clock.after(closeMs, () => {
        stopping = true;
      });
      // A failure has been logged, and the journal keeps everything.
      await flusher.close().catch(() => {});
      cancel();
      return closeAfterWrites(writer, { close: segments.closeAndSweep }, log);
    },
  };
}

function moved({ lines, characters }: Position, byLines: number, byCharacters: number): Position {
  return { lines: lines + byLines, characters: characters + byCharacters };
}

/**
 * Removes users whose files have the same or a newer record: they were written before a kill, or belong to a copy of a
 * running store. A damaged file is older, since a power cut damages files that are not synced.
 */
async function dropOlder(disk: Disk, pending: Map<string, StoredUser>): Promise<void> {
  const check = async ({ user, revision }: StoredUser): Promise<void> => {
    const file = await readUserFile(disk, user.userId).catch((error: unknown) => {
      if (!(error instanceof DamagedFileError)) throw error;
      return undefined;
    });
    if (file && file.revision >= revision) pending.delete(user.userId);
  };
  for await (const _ of mapConcurrent([...pending.values()], readConcurrency, check));
}

// Entries whose first attempt is in progress, as lines of `<name>/<n>.ndjson`. Most of them are delivered soon, and a
// line that shares its sync with others costs a fraction of a file. Used by outbox.ts, which writes files for those
// that a crash leaves behind.

import type { Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { storeClosedError } from '../errors.ts';
import { isText } from '../guards.ts';
import type { AppendFile } from './append-file.ts';
import { withChecksum } from './checksum.ts';
import { DamagedFileError, type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { createGroupCommit } from './group-commit.ts';

export interface AttemptJournal<T> {
  /** Entries of earlier processes, the last line of each id. */
  readonly left: readonly T[];
  /** Removes the files from which `left` was read. */
  clearLeft(): Promise<void>;
  /** Instead, and before any other call: keeps those files until every entry of `left` is done. */
  keepLeft(): void;
  /** Durable when this resolves. Throws UNAVAILABLE. */
  add(record: T): Promise<void>;
  /** The entry need not be kept any longer; written without anyone waiting for it. */
  done(id: string): void;
  get(id: string): T | undefined;
  /** Entries that are not done. */
  open(): readonly T[];
  /**
   * Writes pending lines and removes the files when every entry is done, because lines that such files lose cannot be
   * detected.
   */
  close(): Promise<void>;
}

export interface AttemptJournalOptions<T> {
  readonly disk: Disk;
  readonly log: Log;
  readonly damage: DamageHandler;
  /** The folder of the journal's files. */
  readonly name: string;
  readonly isRecord: (value: unknown) => value is T;
}

interface Segment {
  readonly number: number;
  /** Bytes that are known to be valid. */
  length: number;
  /** Ids in this segment that are not done. */
  readonly open: Set<string>;
}

/** A segment of this size is followed by a new one. */
const segmentBytes = 4 * 1024 * 1024;

/** Throws what the damage handler throws, and UNAVAILABLE for errors of the disk. */
export async function openAttemptJournal<T extends { readonly id: string }>(
  options: AttemptJournalOptions<T>,
): Promise<AttemptJournal<T>> {
  const { disk, log, name } = options;
  const fileOf = (number: number): string => `${name}/${number}.ndjson`;
  const numbers = (await disk.list(name))
    .flatMap((file) => /^(\d{1,15})\.ndjson$/.exec(file)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const left = new Map<string, T>();
  for (const number of numbers) await readInto(left, fileOf(number), options);

  const records = new Map<string, { readonly record: T; segment?: Segment }>();
  /** Oldest first; lines are appended to the last one. */
  const segments: Segment[] = [];
  let end: AppendFile | undefined;
  let lastNumber = numbers.at(-1) ?? 0;
  let closed = false;

  /** Oldest first, so that no line outlives the later one that marks it as done. */
  const sweep = async (): Promise<void> => {
    for (let [oldest] = segments; segments.length > 1 && oldest?.open.size === 0; [oldest] = segments) {
      await disk.remove(fileOf(oldest.number));
      segments.shift();
    }
  };

  const newest = async (): Promise<Segment> => {
    const last = segments.at(-1);
    if (last && last.length < segmentBytes) {
      // Truncates what a failed write has left.
      end ??= await disk.openAppend(fileOf(last.number), last.length);
      return last;
    }
    await end?.close();
    const segment = { number: ++lastNumber, length: 0, open: new Set<string>() };
    end = await disk.openAppend(fileOf(segment.number), 0);
    segments.push(segment);
    await sweep().catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'could not remove an obsolete file'),
    );
    return segment;
  };

  const append = async (lines: readonly string[]): Promise<number> => {
    // An attempt may end while the store closes, and its line would open the file again.
    if (closed) throw storeClosedError();
    const segment = await newest();
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    try {
      await end?.append(bytes);
    } catch (error) {
      const failed = end;
      end = undefined;
      await failed?.close().catch(() => {});
      throw error;
    }
    segment.length += bytes.length;
    return segment.number;
  };
  const writer = createGroupCommit({ append });
  const lineOf = (line: object): string => withChecksum(JSON.stringify(line));
  /** Records that this segment now holds the line of the id. */
  const moveTo = (id: string, number: number): void => {
    const held = records.get(id);
    const segment = segments.find((each) => each.number === number);
    if (!held || !segment) return;
    held.segment?.open.delete(id);
    held.segment = segment;
    segment.open.add(id);
  };

  return {
    left: [...left.values()],
    clearLeft: async () => {
      for (const number of numbers) await disk.remove(fileOf(number));
    },
    keepLeft: () => {
      // Full, so that nothing is appended to them.
      for (const number of numbers) segments.push({ number, length: segmentBytes, open: new Set() });
      const [oldest] = segments;
      if (!oldest) return;
      // All in the oldest file, because a later one may be what marks an entry of it as done.
      for (const [id, record] of left) {
        records.set(id, { record, segment: oldest });
        oldest.open.add(id);
      }
    },
    add: async (record) => {
      const { id } = record;
      const written = writer.add(lineOf({ record }), (number) => moveTo(id, number));
      const before = records.get(id);
      records.set(id, { ...before, record });
      try {
        await written;
      } catch (error) {
        if (before) records.set(id, before);
        else records.delete(id);
        throw error;
      }
    },
    done: (id) => {
      const held = records.get(id);
      if (!held) return;
      records.delete(id);
      held.segment?.open.delete(id);
      // Equivalent to a kill at this moment: the receipt or the entry's file shows the outcome.
      const failed = (error: unknown) =>
        log.debug({ id, reason: messageOf(error) }, 'could not record the end of an attempt');
      writer.add(lineOf({ done: id }), () => {}).catch(failed);
    },
    get: (id) => records.get(id)?.record,
    open: () => [...records.values()].map(({ record }) => record),
    close: async () => {
      await writer.idle();
      closed = true;
      await end?.close();
      if (records.size > 0) return;
      for (const { number } of segments) await disk.remove(fileOf(number));
    },
  };
}

type Line<T> = { readonly record: T } | { readonly done: string };

async function readInto<T extends { readonly id: string }>(
  found: Map<string, T>,
  file: string,
  { disk, log, damage, isRecord }: AttemptJournalOptions<T>,
): Promise<void> {
  const isLine = (value: unknown): value is Line<T> =>
    isObject(value) && (isText(value.done) || isRecord(value.record));
  const lines = ((await readOrQuarantine(damage, file, () => disk.read(file))) ?? '').split('\n');
  const last = lines.pop();
  if (last !== '')
    log.warn({ file: disk.pathOf(file) }, 'the last line is incomplete because swob was killed');
  for (const [index, text] of lines.entries()) {
    try {
      const line = parseChecked(disk, `${file} line ${index + 1}`, text, isLine, 'opening');
      if ('done' in line) found.delete(line.done);
      else found.set(line.record.id, line.record);
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      damage.onLine(error);
    }
  }
}

// The files of one memo, `<name>/<n>.ndjson`: lines are added to the newest, and a file that holds nothing
// remembered any more is removed. Used by memo.ts of the lowdb store.

import type { Clock, Log } from '../../domain/ports.ts';
import { messageOf } from '../../errors.ts';
import type { Disk, FileEnd } from './disk.ts';
import { isMemoLine, type MemoLine } from './file-shapes.ts';
import { parseFile } from './record.ts';

export interface MemoSegmentsOptions<T> {
  readonly disk: Disk;
  /** The folder of the files. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly isValue: (value: unknown) => value is T;
  /** A new segment begins when the newest has so many lines, or its first line this age. */
  readonly maxLines: number;
  readonly maxAgeMs: number;
  /** Called for each line while opening, in the order in which they were written. */
  readonly remember: (line: MemoLine<T>, ageMs: number, segment: number) => void;
  /** The segments that hold something remembered; the others are removed. */
  readonly inUse: () => ReadonlySet<number>;
}

export interface MemoSegments {
  /**
   * Adds lines and resolves to the number of their segment; one call at a time. Throws UNAVAILABLE; what a failed
   * call has left is cut off before the next one writes.
   */
  append(lines: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

interface Segment {
  readonly number: number;
  /** By the monotonic clock. */
  readonly startedAt: number;
  lines: number;
  /** Bytes that are known to be good. */
  length: number;
}

/** A segment is read at once when the store opens. */
const maxLength = 64 * 1_024 * 1_024;
const newline = 0x0a;

/**
 * Loads all segments. A last line that was cut short (the process was killed, the disk was full) was never acknowledged
 * and is cut off. Throws CONFIG, naming file and line, when another line is damaged.
 */
export async function openMemoSegments<T>(options: MemoSegmentsOptions<T>): Promise<MemoSegments> {
  const { disk, name, clock, log } = options;
  const fileOf = (number: number): string => `${name}/${number}.ndjson`;
  const isLine = isMemoLine(options.isValue);
  const numbers = (await disk.list(name))
    .flatMap((file) => /^(\d{1,15})\.ndjson$/.exec(file)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  let newest: Segment | undefined;
  let end: FileEnd | undefined;

  /** Cuts off what is not known to be good. */
  const openNewest = ({ number, length }: Segment) => disk.openEnd(fileOf(number), length);

  const leaveNewest = async (): Promise<void> => {
    const left = end;
    end = undefined;
    // What counts is synced already, or has been refused.
    await left?.close().catch(() => {});
  };

  /** The oldest first: an older line of a key must not outlive a newer one. */
  const sweep = async (): Promise<void> => {
    const inUse = options.inUse();
    for (const number of numbers.filter((each) => !inUse.has(each))) {
      try {
        await disk.remove(fileOf(number));
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'a file that is not needed any more could not be removed');
        return;
      }
      numbers.splice(numbers.indexOf(number), 1);
      if (newest?.number === number) newest = undefined;
    }
  };

  const load = async (number: number, isNewest: boolean): Promise<void> => {
    const file = fileOf(number);
    const bytes = (await disk.readBytes(file)) ?? Buffer.alloc(0);
    const length = isNewest ? bytes.lastIndexOf(newline) + 1 : bytes.length;
    let startedAt = clock.monotonic();
    let lines = 0;
    for (let start = 0; start < length; lines++) {
      const found = bytes.indexOf(newline, start);
      const stop = found < 0 ? length : found;
      const text = bytes.toString('utf8', start, stop);
      const line = parseFile(disk, `${file} line ${lines + 1}`, text, isLine, 'opening');
      // Wall time is all that is known of the time before this start; a time to come counts as now.
      const ageMs = Math.max(0, clock.now() - line.at);
      if (lines === 0) startedAt -= ageMs;
      options.remember(line, ageMs, number);
      start = stop + 1;
    }
    if (!isNewest) return;
    newest = { number, startedAt, lines, length };
    if (length === bytes.length) return;
    log.warn(
      { file: disk.pathOf(file), bytes: bytes.length - length },
      'the last line was cut short when swob ended, and is cut off',
    );
    await (await openNewest(newest)).close();
  };

  const begin = async (): Promise<Segment> => {
    await leaveNewest();
    await sweep();
    const segment = {
      number: (numbers.at(-1) ?? 0) + 1,
      startedAt: clock.monotonic(),
      lines: 0,
      length: 0,
    };
    end = await openNewest(segment);
    numbers.push(segment.number);
    newest = segment;
    return segment;
  };

  const isOver = ({ lines, length, startedAt }: Segment): boolean =>
    lines >= options.maxLines || length >= maxLength || clock.monotonic() - startedAt >= options.maxAgeMs;

  for (const number of [...numbers]) await load(number, number === numbers.at(-1));
  await sweep();

  return {
    append: async (lines) => {
      // Opened before it is left as well, so that nothing half-written stays in it.
      if (newest) end ??= await openNewest(newest);
      const segment = newest && !isOver(newest) ? newest : await begin();
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      try {
        await end?.append(bytes);
      } catch (error) {
        await leaveNewest();
        throw error;
      }
      segment.lines += lines.length;
      segment.length += bytes.length;
      return segment.number;
    },
    close: leaveNewest,
  };
}

// The files `<name>/<n>.ndjson` of a TTL store or journal: lines are appended to the newest, and a file without live
// entries is removed.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import type { AppendFile } from './append-file.ts';
import { withChecksum } from './checksum.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { createExpiredSegments, type Retention } from './expired-segments.ts';
import type { LinePlace } from './line-index.ts';
import { readSegment } from './read-segment.ts';
import { closingLine, headerLine, type SegmentLine } from './segment-lines.ts';

export interface SegmentsOptions<T> {
  readonly disk: Disk;
  /** The folder of the files. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  /** The store was closed cleanly, so the newest segment must end with its closing line. */
  readonly cleanShutdown: boolean;
  readonly isValue: (value: unknown) => value is T;
  /**
   * A new segment starts when the newest has this many lines, when it has no room for lines that fit into a new one, or when its first
   * line reaches this age. Lines that are appended together stay together, however many they are.
   */
  readonly maxLines: number;
  readonly maxAgeMs: number;
  /** Called for each line while opening, in the order of writing. */
  readonly onLine: (line: SegmentLine<T>, ageMs: number, place: LinePlace) => void;
  /**
   * Takes an intact line that need not be parsed, from `start` to before `stop` of a segment. @returns its `at`; undefined when
   * it must be parsed
   */
  readonly takeRaw?: (bytes: Buffer, start: number, stop: number, segment: number) => number | undefined;
  /** Without it lines never expire. */
  readonly retention?: Retention<T>;
  /** The segments that hold live entries; all others are removed, those of expired lines only after a time (expired-segments.ts). */
  readonly inUse: () => ReadonlySet<number>;
}

export interface Segments {
  /** Bytes of the newest segment. */
  readonly length: number;
  /**
   * Appends lines of JSON and resolves to the number of their segment; one call at a time. Throws UNAVAILABLE; the
   * next call truncates what a failed one has left.
   */
  append(lines: readonly string[]): Promise<number>;
  /** Begins a new segment and removes those that are not in use; not while `append` runs. Throws UNAVAILABLE. */
  renew(): Promise<void>;
  /** Throws UNAVAILABLE when the closing line cannot be written. */
  close(): Promise<void>;
  /** Closes, and then removes the segments that are not in use. Throws UNAVAILABLE as `close` does. */
  closeAndSweep(): Promise<void>;
}

interface Segment {
  readonly number: number;
  /** By the monotonic clock. */
  readonly startedAt: number;
  lines: number;
  /** Bytes that are known to be valid. */
  length: number;
  /** Its last line is the closing line. */
  closed: boolean;
}

/** Segments are read into memory as a whole when the store opens. */
const maxLength = 64 * 1_024 * 1_024;

/** Loads all segments. */
export async function openSegments<T>(options: SegmentsOptions<T>): Promise<Segments> {
  const { disk, name, clock, log, retention } = options;
  const fileOf = (number: number): string => `${name}/${number}.ndjson`;
  const numbers = (await disk.list(name))
    .flatMap((file) => /^(\d{1,15})\.ndjson$/.exec(file)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  let newest: Segment | undefined;
  let end: AppendFile | undefined;
  const expired = createExpiredSegments(clock, retention?.max ?? 0);

  /** Truncates everything that is not known to be valid. */
  const openNewest = ({ number, length }: Segment) => disk.openAppend(fileOf(number), length);

  const leaveNewest = async (): Promise<void> => {
    const left = end;
    end = undefined;
    // Everything that was acknowledged has been synced.
    await left?.close().catch(() => {});
  };

  /** Oldest first, because an older line of a key must not outlive a newer one. */
  const sweep = async (): Promise<void> => {
    const inUse = options.inUse();
    const unused = numbers.filter((each) => !inUse.has(each));
    const kept = expired.oldestKept(unused) ?? Number.POSITIVE_INFINITY;
    for (const number of unused.filter((each) => each < kept)) {
      try {
        await disk.remove(fileOf(number));
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'could not remove an obsolete file');
        return;
      }
      numbers.splice(numbers.indexOf(number), 1);
      expired.removed(number);
      if (newest?.number === number) newest = undefined;
    }
  };

  const load = async (): Promise<void> => {
    let before: { readonly segment: number; readonly bytes: number } | undefined;
    const shared = { bytes: Buffer.alloc(0) };
    for (const number of numbers) {
      const isNewest = number === numbers.at(-1);
      let startedAt: number | undefined;
      /** Only wall time covers the time before this start; a time in the future counts as now. */
      const ageOf = (at: number): number => Math.max(0, clock.now() - at);
      const { takeRaw } = options;
      const {
        bytes,
        hasValidHeader: wellBegun,
        isTruncated: cut,
        ...read
      } = await readSegment<T>({
        ...options,
        file: fileOf(number),
        shared,
        before,
        isNewest,
        onLine: (line, place) => {
          const ageMs = ageOf(line.at);
          startedAt ??= clock.monotonic() - ageMs;
          if (retention) expired.found(number, retention.expiryOf?.(line) ?? line.at + retention.ttlMs);
          options.onLine(line, ageMs, { segment: number, ...place });
        },
        takeRaw:
          takeRaw &&
          ((read, start, stop) => {
            const at = takeRaw(read, start, stop, number);
            if (at === undefined) return false;
            startedAt ??= clock.monotonic() - ageOf(at);
            if (retention) expired.found(number, at + retention.ttlMs);
            return true;
          }),
      });
      before = { segment: number, bytes };
      if (!isNewest || !wellBegun) continue;
      newest = { number, startedAt: startedAt ?? clock.monotonic(), ...read };
      if (cut) await (await openNewest(newest)).close();
    }
  };

  const begin = async (): Promise<Segment> => {
    // So that a partial line of a failed write is truncated.
    if (newest) end ??= await openNewest(newest);
    await leaveNewest();
    const after = newest ? { segment: newest.number, bytes: newest.length } : null;
    // Also when all others are removed: a power cut may restore one, which must not seem to follow the new one.
    const number = (numbers.at(-1) ?? 0) + 1;
    await sweep();
    const header = `${headerLine({ after })}\n`;
    // Written atomically, because an empty segment counts as damaged.
    await disk.write(fileOf(number), header);
    const segment: Segment = {
      number,
      startedAt: clock.monotonic(),
      lines: 0,
      length: Buffer.byteLength(header),
      closed: false,
    };
    end = await openNewest(segment);
    numbers.push(segment.number);
    newest = segment;
    return segment;
  };

  const isOver = ({ lines, length, startedAt }: Segment, added: number): boolean =>
    lines >= options.maxLines ||
    (added <= options.maxLines && lines + added > options.maxLines) ||
    length >= maxLength ||
    clock.monotonic() - startedAt >= options.maxAgeMs;

  const write = async (segment: Segment, lines: readonly string[]): Promise<void> => {
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    try {
      end ??= await openNewest(segment);
      await end.append(bytes);
    } catch (error) {
      await leaveNewest();
      throw error;
    }
    segment.length += bytes.length;
  };

  const close = async (): Promise<void> => {
    if (newest && !newest.closed) {
      await write(newest, [closingLine]);
      newest.closed = true;
    }
    await leaveNewest();
  };

  await load();
  await sweep();

  return {
    get length() {
      return newest?.length ?? 0;
    },
    append: async (lines) => {
      const segment = newest && !isOver(newest, lines.length) && !expired.takeDue() ? newest : await begin();
      await write(segment, lines.map(withChecksum));
      segment.lines += lines.length;
      expired.added(segment.number, lines.length);
      segment.closed = false;
      return segment.number;
    },
    renew: async () => {
      await begin();
    },
    close,
    closeAndSweep: async () => {
      await close();
      const before = numbers.length;
      await sweep();
      // The next process begins with the first number again.
      if (numbers.length < before) await disk.syncFolder(name);
    },
  };
}

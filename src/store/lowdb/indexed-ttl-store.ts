// A TTL store for many values: they are lines of segments on disk, and only their places are in memory. Used for receipts.

import type { TtlStore } from '../../domain/shared/ports.ts';
import { createKeyedMutex } from '../../lib/concurrency.ts';
import { tryParseJson } from '../../lib/json.ts';
import { type MaybePromise, mapMaybe } from '../../lib/maybe-promise.ts';
import { checksumBytes, verifyChecksum } from './checksum.ts';
import { DamagedFileError, parseChecked } from './damaged-files.ts';
import type { DiskQueue } from './disk-queue.ts';
import { closeAfterWrites, createGroupCommit } from './group-commit.ts';
import { createKeyDigest, type Digest } from './key-digest.ts';
import { createLineIndex, type LinePlace } from './line-index.ts';
import { hasAt, readRawLine } from './raw-line.ts';
import { createRewrites } from './rewrites.ts';
import { isSegmentLine, type SegmentLine } from './segment-lines.ts';
import { openSegments } from './segments.ts';
import { linesOf } from './text-lines.ts';
import type { LowdbTtlStoreOptions, TtlEntry } from './ttl-store.ts';

export interface IndexedTtlStore<T> {
  readonly store: TtlStore<T>;
  /** Includes a few that have expired. */
  count(): number;
  /** Entries that have not expired, oldest first. Throws what the damage handler throws. */
  entries(): AsyncIterable<TtlEntry<T>>;
  find(key: string): Promise<TtlEntry<T> | undefined>;
  restore(entry: TtlEntry<T>): Promise<void>;
  close(): Promise<boolean>;
}

export interface IndexedTtlStoreOptions<T> extends Omit<LowdbTtlStoreOptions<T>, 'charactersOf'> {
  readonly queue: DiskQueue;
  /** How the JSON of a value may begin; a line with such a value and a valid checksum is not parsed at a start. */
  readonly beginnings: readonly string[];
}

/** A value that is not on disk: it is being written, or that has failed. */
interface Unwritten<T> {
  readonly line: SegmentLine<T>;
  readonly expiresAt: number;
  /** The segment of the line that it replaces, which a crash must find. */
  readonly replaces: number | undefined;
}

/** Segments are read as a whole, so this bounds the time of one step of a start. */
const maxLinesPerSegment = 20_000;
/** As in `createTtlCache`. */
const purgedPerCall = 4;

/** Loads the places of all entries. Throws what the damage handler throws, and UNAVAILABLE for errors of the disk. */
export async function openIndexedTtlStore<T>(
  options: IndexedTtlStoreOptions<T>,
): Promise<IndexedTtlStore<T>> {
  const { disk, queue, clock, log, damage, name, bounds, assertOpen } = options;
  const { ttlMs, max } = bounds;
  const beginnings = options.beginnings.map((text) => Buffer.from(text));
  const isLine = isSegmentLine(options.isValue);
  const digestOf = createKeyDigest();
  const index = createLineIndex();
  const unwritten = new Map<string, Unwritten<T>>();
  const fileOf = (segment: number): string => `${name}/${segment}.ndjson`;

  const purge = (now: number): void => {
    for (let left = purgedPerCall; left > 0; left--) {
      const expiry = index.oldestExpiry();
      if (expiry === undefined || expiry > now) break;
      index.deleteOldest();
    }
  };
  /** Only at a put, because V8 finds the first entry of a Map after passing over those that were deleted before it. */
  const purgeUnwritten = (now: number): void => {
    for (const [key, { expiresAt }] of unwritten) {
      if (expiresAt > now) break;
      unwritten.delete(key);
    }
  };
  const evict = (): void => {
    while (index.size + unwritten.size > max) {
      const [first] = unwritten;
      const expiry = index.oldestExpiry();
      if (first && (expiry === undefined || first[1].expiresAt < expiry)) unwritten.delete(first[0]);
      else index.deleteOldest();
    }
  };
  const add = (digest: Digest, place: LinePlace, expiresAt: number): void => {
    const { segment, offset, length } = place;
    index.set(digest, { segment, offset, length, expiresAt });
    purge(clock.monotonic());
    evict();
  };
  const digestOfKey = (key: string): Digest => {
    const json = Buffer.from(JSON.stringify(key));
    return digestOf(json, 1, json.length - 1);
  };

  const openedAt = { wall: clock.now(), monotonic: clock.monotonic() };
  const expiryOf = (at: number): number => openedAt.monotonic - Math.max(0, openedAt.wall - at) + ttlMs;
  const segments = await openSegments<T>({
    ...options,
    // Limits the files to about twice the live entries.
    maxLines: Math.min(maxLinesPerSegment, Math.ceil(max / 2)),
    maxAgeMs: ttlMs / 2,
    retention: bounds,
    onLine: ({ key, at }, _ageMs, place) => add(digestOfKey(key), place, expiryOf(at)),
    takeRaw: (bytes, start, stop, segment) => {
      const line = readRawLine(bytes, start, stop);
      if (!line || !beginnings.some((beginning) => hasAt(bytes, line.valueStart, beginning)))
        return undefined;
      const place = { segment, offset: start, length: stop - start };
      add(digestOf(bytes, line.keyStart, line.keyStop), place, expiryOf(line.at));
      return line.at;
    },
    inUse: () => {
      const inUse = new Set(index.segments());
      for (const { replaces } of unwritten.values()) if (replaces !== undefined) inUse.add(replaces);
      return inUse;
    },
  });
  /** Where the next line of a batch is, whose lines are reported in their order. */
  let nextOffset = 0;
  const sizeOf = (json: string): number => Buffer.byteLength(json) + checksumBytes;
  const writer = createGroupCommit({
    append: async (lines) => {
      const segment = await segments.append(lines);
      nextOffset = segments.length - lines.reduce((sum, line) => sum + sizeOf(line) + 1, 0);
      return segment;
    },
  });

  const rewrites = createRewrites(clock);

  const put = async (line: SegmentLine<T>): Promise<void> => {
    assertOpen();
    const { key, at, value } = line;
    const digest = digestOfKey(key);
    const now = clock.monotonic();
    const replaces = unwritten.get(key)?.replaces ?? index.get(digest)?.segment;
    const held = { line, expiresAt: now - (clock.now() - at) + ttlMs, replaces };
    purge(now);
    purgeUnwritten(now);
    index.delete(digest);
    // Deleted first, so that the order is that of the puts.
    unwritten.delete(key);
    unwritten.set(key, held);
    evict();
    const json = JSON.stringify({ key, at, value });
    const length = sizeOf(json);
    const isNeeded = (): boolean => unwritten.get(key) === held;
    const write = (): Promise<void> =>
      writer.add(json, (segment) => {
        const offset = nextOffset;
        nextOffset += length + 1;
        // It may have been replaced or evicted meanwhile.
        if (!isNeeded()) return;
        unwritten.delete(key);
        add(digest, { segment, offset, length }, held.expiresAt);
      });
    await rewrites.run(write, isNeeded);
  };

  /** Undefined when the line is of another key, or its segment has been removed because it has expired. */
  const readLine = async (key: string, place: LinePlace): Promise<SegmentLine<T> | undefined> => {
    const file = fileOf(place.segment);
    try {
      const bytes = await queue.run(() => disk.readRange(file, place.offset, place.length));
      if (!bytes) return undefined;
      const line = parseChecked(disk, `${file} at byte ${place.offset}`, bytes.toString(), isLine);
      return line.key === key ? line : undefined;
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      damage.onLine(error);
      return undefined;
    }
  };
  const findLine = (key: string): MaybePromise<SegmentLine<T> | undefined> => {
    const now = clock.monotonic();
    purge(now);
    const held = unwritten.get(key);
    if (held) return held.expiresAt > now ? held.line : undefined;
    const place = index.get(digestOfKey(key));
    return place && place.expiresAt > now ? readLine(key, place) : undefined;
  };
  const entryOf = ({ key, at, value }: SegmentLine<T>): TtlEntry<T> => ({ key, value, until: at + ttlMs });
  const changes = createKeyedMutex();

  async function* entries(): AsyncGenerator<TtlEntry<T>> {
    for (const segment of [...index.segments()].sort((a, b) => a - b)) {
      const file = fileOf(segment);
      const bytes = (await disk.readBytes(file)) ?? Buffer.alloc(0);
      for (const { start, stop } of linesOf(bytes)) {
        const json = verifyChecksum(bytes.toString('utf8', start, stop));
        const line = json === undefined ? undefined : tryParseJson(json);
        // Anything else is not a line of an entry, or was reported when the store was opened.
        if (!isLine(line)) continue;
        const place = index.get(digestOfKey(line.key));
        if (place?.segment !== segment || place.offset !== start) continue;
        if (place.expiresAt > clock.monotonic()) yield entryOf(line);
      }
    }
    for (const { line } of unwritten.values()) yield entryOf(line);
  }

  return {
    store: {
      get: (key) => mapMaybe(findLine(key), (line) => line?.value),
      put: (key, value) => put({ key, at: clock.now(), value }),
      replace: (key, value, earlier) =>
        changes.run(key, async () => {
          const line = await findLine(key);
          if (JSON.stringify(line?.value) !== JSON.stringify(earlier)) return false;
          await put({ key, at: clock.now(), value });
          return true;
        }),
    },
    count: () => index.size + unwritten.size,
    entries,
    find: async (key) => {
      const line = await findLine(key);
      return line && entryOf(line);
    },
    // Never longer than this store's own time to live.
    restore: async ({ key, value, until }) => put({ key, value, at: Math.min(until - ttlMs, clock.now()) }),
    close: async () => {
      await writer.idle();
      await rewrites.close();
      return closeAfterWrites(writer, segments, log);
    },
  };
}

// The TTL store of the lowdb store: entries in memory, and as lines of segments on disk.

import type { Clock, Log, TtlStore } from '../../domain/shared/ports.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { TtlBounds } from '../options.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { closeAfterWrites, createGroupCommit } from './group-commit.ts';
import { createRewrites } from './rewrites.ts';
import type { SegmentLine } from './segment-lines.ts';
import { openSegments } from './segments.ts';

export interface LowdbTtlStore<T> {
  readonly store: TtlStore<T>;
  /** Entries that have not expired, oldest first. */
  entries(): Iterable<TtlEntry<T>>;
  find(key: string): TtlEntry<T> | undefined;
  /** The same as `store.put` for an existing entry; calls must be in order of expiry. */
  restore(entry: TtlEntry<T>): Promise<void>;
  /**
   * Writes pending lines. False when the closing line could not be written, so that the next start does not expect
   * it.
   */
  close(): Promise<boolean>;
}

/** `until`: Unix time in milliseconds. */
export interface TtlEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly until: number;
}

interface CachedLine<T> extends SegmentLine<T> {
  /** Its segment, once it is on disk; until then that of the line that it replaces, which a crash must find. */
  segment?: number | undefined;
}

export interface LowdbTtlStoreOptions<T> {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  /** The folder of its files. */
  readonly name: string;
  readonly isValue: (value: unknown) => value is T;
  readonly bounds: TtlBounds;
  /** The size of a value where the bounds limit characters. */
  readonly charactersOf?: (value: T) => number;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

/** Loads all entries. Throws what the damage handler throws, and UNAVAILABLE for errors of the disk. */
export async function openLowdbTtlStore<T>(options: LowdbTtlStoreOptions<T>): Promise<LowdbTtlStore<T>> {
  const { clock, log, bounds, charactersOf = () => 0, assertOpen } = options;
  const { ttlMs, max, maxCharacters = Number.POSITIVE_INFINITY } = bounds;
  const known = createTtlCache<CachedLine<T>>(clock, ttlMs, max, {
    max: maxCharacters,
    of: ({ value }) => charactersOf(value),
  });
  const segments = await openSegments<T>({
    ...options,
    // Limits the files to about twice the live entries.
    maxLines: Math.ceil(max / 2),
    maxAgeMs: ttlMs / 2,
    retention: bounds,
    onLine: (line, ageMs, { segment }) =>
      known.set(line.key, { ...line, at: clock.now() - ageMs, segment }, ageMs),
    inUse: () => {
      const inUse = new Set<number>();
      for (const { segment } of known.values()) if (segment !== undefined) inUse.add(segment);
      return inUse;
    },
  });
  const writer = createGroupCommit(segments);
  const rewrites = createRewrites(clock);

  const put = async ({ key, at, value }: SegmentLine<T>): Promise<void> => {
    assertOpen();
    const held: CachedLine<T> = { key, at, value, segment: known.get(key)?.segment };
    known.set(key, held, clock.now() - at);
    const write = (): Promise<void> =>
      writer.add(JSON.stringify({ key, at, value }), (segment) => {
        held.segment = segment;
      });
    await rewrites.run(write, () => known.get(key) === held);
  };
  const entryOf = ({ key, at, value }: CachedLine<T>): TtlEntry<T> => ({ key, value, until: at + ttlMs });

  return {
    store: {
      get: async (key) => known.get(key)?.value,
      put: async (key, value) => put({ key, at: clock.now(), value }),
      replace: async (key, value, earlier) => {
        if (JSON.stringify(known.get(key)?.value) !== JSON.stringify(earlier)) return false;
        await put({ key, at: clock.now(), value });
        return true;
      },
    },
    *entries() {
      for (const held of known.values()) yield entryOf(held);
    },
    find: (key) => {
      const held = known.get(key);
      return held && entryOf(held);
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

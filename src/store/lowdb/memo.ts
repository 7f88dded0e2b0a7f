// What the lowdb store remembers for a while: in memory, and line by line in files. What comes while a write
// is under way goes out together in the next one.

import type { Clock, Log, MemoStore } from '../../domain/ports.ts';
import { createExpiringMap } from '../memory/expiring-map.ts';
import type { MemoBounds } from '../options.ts';
import { diskBusy } from '../refusals.ts';
import type { Disk } from './disk.ts';
import type { MemoLine } from './file-shapes.ts';
import { openMemoSegments } from './memo-segments.ts';

export interface LowdbMemo<T> {
  readonly store: MemoStore<T>;
  /** Those whose time is not over, the oldest first. */
  entries(): Iterable<MemoEntry<T>>;
  find(key: string): MemoEntry<T> | undefined;
  /** As `store.put`, for what is remembered already: to be called in the order in which that is over. */
  restore(entry: MemoEntry<T>): Promise<void>;
  /** Writes what waits. */
  close(): Promise<void>;
}

/** `until`: Unix time in milliseconds. */
interface MemoEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly until: number;
}

interface Held<T> extends MemoLine<T> {
  /** The segment that it is in, once it is on disk. */
  segment?: number;
}

interface Batch<T> {
  readonly lines: string[];
  readonly held: Held<T>[];
  /** Settles when the lines are on disk, or cannot be. */
  readonly written: Promise<void>;
}

/** Lines that may wait for the write that is under way. */
const maxWaiting = 10_000;

export interface LowdbMemoOptions<T> {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  /** The folder of its files. */
  readonly name: string;
  readonly isValue: (value: unknown) => value is T;
  readonly bounds: MemoBounds;
  /** What a value counts for where the bounds name characters. */
  readonly charactersOf?: (value: T) => number;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Loads what is remembered. Throws CONFIG when a file is damaged, UNAVAILABLE when the disk refuses. */
export async function openLowdbMemo<T>(options: LowdbMemoOptions<T>): Promise<LowdbMemo<T>> {
  const { disk, clock, log, name, isValue, bounds, charactersOf = () => 0, assertOpen } = options;
  const { rememberMs, max, maxCharacters = Number.POSITIVE_INFINITY } = bounds;
  const known = createExpiringMap<Held<T>>(clock, rememberMs, max, {
    max: maxCharacters,
    of: ({ value }) => charactersOf(value),
  });
  const segments = await openMemoSegments<T>({
    disk,
    name,
    clock,
    log,
    isValue,
    // So that the files hold at most about twice what is remembered.
    maxLines: Math.ceil(max / 2),
    maxAgeMs: rememberMs / 2,
    remember: (line, ageMs, segment) =>
      known.set(line.key, { ...line, at: clock.now() - ageMs, segment }, ageMs),
    inUse: () => {
      const inUse = new Set<number>();
      for (const { segment } of known.values()) if (segment !== undefined) inUse.add(segment);
      return inUse;
    },
  });
  /** The batch that still takes lines. */
  let open: Batch<T> | undefined;
  /** Never rejects; those who put are told. */
  let lastWritten: Promise<void> = Promise.resolve();

  /** A batch that goes out when the one before it is written, with all that comes in the same turn of the event loop. */
  const begin = (): Batch<T> => {
    const lines: string[] = [];
    const held: Held<T>[] = [];
    const write = async (): Promise<void> => {
      open = undefined;
      const segment = await segments.append(lines);
      for (const each of held) each.segment = segment;
    };
    const written = lastWritten.then(endOfTurn).then(write);
    lastWritten = written.catch(() => {});
    return { lines, held, written };
  };

  const put = async ({ key, at, value }: MemoLine<T>): Promise<void> => {
    assertOpen();
    const held: Held<T> = { key, at, value };
    known.set(key, held, clock.now() - at);
    open ??= begin();
    if (open.lines.length >= maxWaiting) throw diskBusy(maxWaiting);
    open.lines.push(JSON.stringify({ key, at, value }));
    open.held.push(held);
    await open.written;
  };
  const entryOf = ({ key, at, value }: Held<T>): MemoEntry<T> => ({ key, value, until: at + rememberMs });

  return {
    store: {
      get: async (key) => known.get(key)?.value,
      put: async (key, value) => put({ key, at: clock.now(), value }),
    },
    *entries() {
      for (const held of known.values()) yield entryOf(held);
    },
    find: (key) => {
      const held = known.get(key);
      return held && entryOf(held);
    },
    // Never longer than it is remembered here.
    restore: async ({ key, value, until }) =>
      put({ key, value, at: Math.min(until - rememberMs, clock.now()) }),
    close: async () => {
      await lastWritten;
      await segments.close();
    },
  };
}

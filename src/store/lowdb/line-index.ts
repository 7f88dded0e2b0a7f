// Where the line of each key is, in the order in which they were put: 53 bytes each in typed arrays, where strings and objects
// took ten times as much. Grows in small steps, so that no call takes long. Used by indexed-ttl-store.ts.

import type { Digest } from './key-digest.ts';

/** A line in a segment, without its line end. */
export interface LinePlace {
  readonly segment: number;
  /** Of its first byte. */
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
}

export interface IndexedLine extends LinePlace {
  /** By the monotonic clock. */
  readonly expiresAt: number;
}

export interface LineIndex {
  get(digest: Digest): IndexedLine | undefined;
  /** Adds the line as the newest one, in place of an earlier one of the digest. */
  set(digest: Digest, line: IndexedLine): void;
  delete(digest: Digest): void;
  /** When the oldest line expires; undefined when there is none. */
  oldestExpiry(): number | undefined;
  deleteOldest(): void;
  readonly size: number;
  /** The segments with lines in the index. */
  segments(): ReadonlySet<number>;
}

const slotsPerChunk = 4_096;
/** The keys are spread over so many tables, so that doubling one moves few of them. */
const tableCount = 256;
const firstTableSize = 16;
/** Words of a slot. */
const word = { high: 0, low: 1, segment: 2, offset: 3, length: 4, older: 5, newer: 6 } as const;
const wordsPerSlot = 7;

interface Table {
  /**
   * Pairs of the number of a slot, 0 where there is none, and the low word of its digest, so that a search need not look it up in
   * the slot, which is mostly in no cache of the CPU. There is a power of two of them.
   */
  pairs: Uint32Array;
  count: number;
}

export function createLineIndex(): LineIndex {
  const words: Uint32Array[] = [];
  const times: Float64Array[] = [];
  const tables: Table[] = Array.from({ length: tableCount }, () => ({
    pairs: new Uint32Array(2 * firstTableSize),
    count: 0,
  }));
  const linesOf = new Map<number, number>();
  let size = 0;
  /** Slots are numbered from 1. */
  let used = 0;
  let free = 0;
  let oldest = 0;
  let newest = 0;

  const read = (slot: number, member: number): number =>
    words[Math.floor(slot / slotsPerChunk)]?.[(slot % slotsPerChunk) * wordsPerSlot + member] ?? 0;
  const write = (slot: number, member: number, value: number): void => {
    const chunk = words[Math.floor(slot / slotsPerChunk)];
    if (chunk) chunk[(slot % slotsPerChunk) * wordsPerSlot + member] = value;
  };

  const newSlot = (): number => {
    if (free !== 0) {
      const slot = free;
      free = read(slot, word.newer);
      return slot;
    }
    const slot = ++used;
    if (slot >= words.length * slotsPerChunk) {
      words.push(new Uint32Array(slotsPerChunk * wordsPerSlot));
      times.push(new Float64Array(slotsPerChunk));
    }
    return slot;
  };

  const tableOf = (high: number): Table => tables[high % tableCount] as Table;
  /** The position of the pair of the digest in the table, or the empty one where it belongs. */
  const positionOf = ({ pairs }: Table, high: number, low: number): number => {
    const mask = pairs.length - 1;
    let position = (low * 2) & mask;
    for (let slot = pairs[position]; slot; slot = pairs[position]) {
      if (pairs[position + 1] === low && read(slot, word.high) === high) break;
      position = (position + 2) & mask;
    }
    return position;
  };
  const grow = (table: Table): void => {
    const { pairs } = table;
    const grown = new Uint32Array(pairs.length * 2);
    const mask = grown.length - 1;
    for (let from = 0; from < pairs.length; from += 2) {
      const slot = pairs[from] ?? 0;
      const low = pairs[from + 1] ?? 0;
      if (slot === 0) continue;
      let position = (low * 2) & mask;
      while (grown[position]) position = (position + 2) & mask;
      grown[position] = slot;
      grown[position + 1] = low;
    }
    table.pairs = grown;
  };
  /** Moves those after the position that would no longer be found. */
  const clear = ({ pairs }: Table, position: number): void => {
    const mask = pairs.length - 1;
    let hole = position;
    for (let next = (hole + 2) & mask; pairs[next]; next = (next + 2) & mask) {
      const low = pairs[next + 1] ?? 0;
      const home = (low * 2) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      pairs[hole] = pairs[next] ?? 0;
      pairs[hole + 1] = low;
      hole = next;
    }
    pairs[hole] = 0;
  };

  const append = (slot: number): void => {
    write(slot, word.older, newest);
    write(slot, word.newer, 0);
    if (newest === 0) oldest = slot;
    else write(newest, word.newer, slot);
    newest = slot;
  };
  const unlink = (slot: number): void => {
    const [older, newer] = [read(slot, word.older), read(slot, word.newer)];
    if (older === 0) oldest = newer;
    else write(older, word.newer, newer);
    if (newer === 0) newest = older;
    else write(newer, word.older, older);
  };
  const countLine = (segment: number, by: number): void => {
    const count = (linesOf.get(segment) ?? 0) + by;
    if (count > 0) linesOf.set(segment, count);
    else linesOf.delete(segment);
  };

  const remove = (high: number, low: number): void => {
    const table = tableOf(high);
    const position = positionOf(table, high, low);
    const slot = table.pairs[position] ?? 0;
    if (slot === 0) return;
    clear(table, position);
    table.count--;
    size--;
    unlink(slot);
    countLine(read(slot, word.segment), -1);
    write(slot, word.newer, free);
    free = slot;
  };
  const expiryOf = (slot: number): number =>
    times[Math.floor(slot / slotsPerChunk)]?.[slot % slotsPerChunk] ?? 0;
  const lineOf = (slot: number): IndexedLine | undefined =>
    slot === 0
      ? undefined
      : {
          segment: read(slot, word.segment),
          offset: read(slot, word.offset),
          length: read(slot, word.length),
          expiresAt: expiryOf(slot),
        };

  return {
    get: ({ high, low }) => {
      const table = tableOf(high);
      return lineOf(table.pairs[positionOf(table, high, low)] ?? 0);
    },
    set: ({ high, low }, { segment, offset, length, expiresAt }) => {
      const table = tableOf(high);
      let position = positionOf(table, high, low);
      let slot = table.pairs[position] ?? 0;
      if (slot === 0) {
        // A quarter stays empty, so that a search ends soon.
        if ((table.count + 1) * 8 > table.pairs.length * 3) {
          grow(table);
          position = positionOf(table, high, low);
        }
        slot = newSlot();
        write(slot, word.high, high);
        write(slot, word.low, low);
        table.pairs[position] = slot;
        table.pairs[position + 1] = low;
        table.count++;
        size++;
      } else {
        unlink(slot);
        countLine(read(slot, word.segment), -1);
      }
      write(slot, word.segment, segment);
      write(slot, word.offset, offset);
      write(slot, word.length, length);
      const chunk = times[Math.floor(slot / slotsPerChunk)];
      if (chunk) chunk[slot % slotsPerChunk] = expiresAt;
      append(slot);
      countLine(segment, 1);
    },
    delete: ({ high, low }) => remove(high, low),
    oldestExpiry: () => (oldest === 0 ? undefined : expiryOf(oldest)),
    deleteOldest: () => {
      if (oldest !== 0) remove(read(oldest, word.high), read(oldest, word.low));
    },
    get size() {
      return size;
    },
    segments: () => new Set(linesOf.keys()),
  };
}

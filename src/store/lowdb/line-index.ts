// Where the line of each key is, in the order in which they were put: 45 bytes each in typed arrays, where strings and objects
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
  /** Numbers of slots, 0 where there is none; its length is a power of two. */
  slots: Uint32Array;
  count: number;
}

export function createLineIndex(): LineIndex {
  const words: Uint32Array[] = [];
  const times: Float64Array[] = [];
  const tables: Table[] = Array.from({ length: tableCount }, () => ({
    slots: new Uint32Array(firstTableSize),
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
  /** The position of the digest in the table, or the empty one where it belongs. */
  const positionOf = ({ slots }: Table, high: number, low: number): number => {
    const mask = slots.length - 1;
    let position = low & mask;
    for (let slot = slots[position]; slot; slot = slots[position]) {
      if (read(slot, word.low) === low && read(slot, word.high) === high) break;
      position = (position + 1) & mask;
    }
    return position;
  };
  const grow = (table: Table): void => {
    const before = table.slots;
    table.slots = new Uint32Array(before.length * 2);
    for (const slot of before) {
      if (slot !== 0) table.slots[positionOf(table, read(slot, word.high), read(slot, word.low))] = slot;
    }
  };
  /** Moves those after the position that would no longer be found. */
  const clear = ({ slots }: Table, position: number): void => {
    const mask = slots.length - 1;
    let hole = position;
    for (let next = (hole + 1) & mask; slots[next]; next = (next + 1) & mask) {
      const home = read(slots[next] ?? 0, word.low) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      slots[hole] = slots[next] ?? 0;
      hole = next;
    }
    slots[hole] = 0;
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
    const slot = table.slots[position] ?? 0;
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
      return lineOf(table.slots[positionOf(table, high, low)] ?? 0);
    },
    set: ({ high, low }, { segment, offset, length, expiresAt }) => {
      const table = tableOf(high);
      let position = positionOf(table, high, low);
      let slot = table.slots[position] ?? 0;
      if (slot === 0) {
        // A quarter stays empty, so that a search ends soon.
        if ((table.count + 1) * 4 > table.slots.length * 3) {
          grow(table);
          position = positionOf(table, high, low);
        }
        slot = newSlot();
        write(slot, word.high, high);
        write(slot, word.low, low);
        table.slots[position] = slot;
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

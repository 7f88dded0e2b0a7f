// Encodes lists as JSON that are much like the one before: what has not changed is copied from its bytes. Used by the lists of
// seeds.

import type { MaybePromise } from './maybe-promise.ts';
import { memoizeLast } from './memoize-last.ts';
import { nextTurn } from './next-turn.ts';

interface Encoded<Item> {
  readonly items: readonly Item[];
  /** Where each item with the comma before it begins in the bytes, and where the last one ends. */
  readonly starts: Uint32Array;
  /** The first comma is the opening bracket. */
  readonly bytes: Buffer;
}

/** A part of the bytes, from `start` to before `stop`. */
interface Run {
  readonly start: number;
  stop: number;
}

const [comma, opening, closing] = [',', '[', ']'];

/** Copied in one turn of the event loop: where the memory is new to the process, its pages cost several times as much as the copy. */
const maxBytesPerTurn = 256 * 1_024;

/**
 * Equal to `JSON.stringify` of the list of what `toJson` gives as text. Items leave anywhere and new ones come at the end, as in
 * `mapMemoized`; neighbours that stay are copied together, because 10,000 buffers take several milliseconds to concatenate.
 * @param maxPerTurn items encoded in one turn of the event loop; with more, or with many bytes, the result is a promise, and other lists
 * wait for it
 */
export function createListEncoder<Item>(
  toJson: (item: Item) => string,
  maxPerTurn: number,
  bytesPerTurn = maxBytesPerTurn,
): (list: readonly Item[]) => MaybePromise<Buffer> {
  let last: Encoded<Item> = { items: [], starts: new Uint32Array(1), bytes: Buffer.alloc(0) };
  let running: Promise<Buffer> | undefined;

  const start = (list: readonly Item[]): MaybePromise<Buffer> => {
    const before = last;
    const { runs, starts, kept, size } = findKept(before, list);
    let end = size;
    const added: Buffer[] = [];
    /** Encodes what one turn may encode, from this item on. @returns the next one */
    const encode = (from: number): number => {
      const to = Math.min(list.length, from + maxPerTurn);
      let text = '';
      for (let index = from; index < to; index++) {
        starts[index] = end;
        const json = `${comma}${toJson(list[index] as Item)}`;
        end += Buffer.byteLength(json);
        text += json;
      }
      added.push(Buffer.from(text));
      return to;
    };
    const parts = (): Buffer[] => [
      ...runs.map((run) => before.bytes.subarray(run.start, run.stop)),
      ...added,
      Buffer.from(closing),
    ];
    const finish = (bytes: Buffer): Buffer => {
      bytes.write(opening, 0);
      starts[list.length] = end;
      last = { items: list, starts, bytes };
      return bytes;
    };
    const continueLater = async (from: number): Promise<Buffer> => {
      for (let next = from; next < list.length; ) {
        await nextTurn();
        next = encode(next);
      }
      return finish(await concatInTurns(parts(), bytesPerTurn));
    };
    if (list.length === 0) return Buffer.from(`${opening}${closing}`);
    const next = encode(kept);
    if (next === list.length && end <= bytesPerTurn) return finish(Buffer.concat(parts()));
    running = continueLater(next).finally(() => {
      running = undefined;
    });
    return running;
  };
  const encodeList = (list: readonly Item[]): MaybePromise<Buffer> => {
    if (!running) return start(list);
    // In the order of the calls, since the lists were.
    const next = (): MaybePromise<Buffer> => encodeList(list);
    return running.then(next, next);
  };
  return memoizeLast(encodeList);
}

/** As `Buffer.concat`, with so many bytes in a turn of the event loop. */
async function concatInTurns(parts: readonly Buffer[], bytesPerTurn: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0));
  let [at, left] = [0, bytesPerTurn];
  for (const part of parts) {
    for (let from = 0; from < part.length; ) {
      if (left === 0) {
        await nextTurn();
        left = bytesPerTurn;
      }
      const copied = part.copy(bytes, at, from, from + left);
      at += copied;
      from += copied;
      left -= copied;
    }
  }
  return bytes;
}

/** What a list begins with that the last one had, in its order. */
function findKept<Item>({ items, starts: startsBefore }: Encoded<Item>, list: readonly Item[]) {
  const starts = new Uint32Array(list.length + 1);
  const runs: Run[] = [];
  let [at, kept, size] = [0, 0, 0];
  for (; kept < list.length; kept++, at++) {
    while (at < items.length && items[at] !== list[kept]) at++;
    if (at === items.length) break;
    const [start = 0, stop = 0] = [startsBefore[at], startsBefore[at + 1]];
    starts[kept] = size;
    size += stop - start;
    const run = runs.at(-1);
    if (run?.stop === start) run.stop = stop;
    else runs.push({ start, stop });
  }
  return { runs, starts, kept, size };
}

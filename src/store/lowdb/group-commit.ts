// Appends lines to segments, combining all lines that arrive during a write into the next one. Used by the TTL stores
// and journals.

import type { Log } from '../../domain/shared/ports.ts';
import { messageOf } from '../../errors.ts';
import { diskBusyError } from '../errors.ts';
import type { Segments } from './segments.ts';

export interface GroupCommit {
  /**
   * Resolves once the line is on disk; `onWritten` is called with its segment just before, in the order of the lines.
   * Rejects with UNAVAILABLE, also when the queue is full.
   */
  add(line: string, onWritten: (segment: number) => void): Promise<void>;
  /** The same for several lines, which are written together or not at all. */
  addAll(lines: readonly string[], onWritten: (segment: number) => void): Promise<void>;
  /** Runs `work` while no write is running. Rejects as it does. */
  between(work: () => Promise<void>): Promise<void>;
  /** Resolves once every line that was added is written or has failed. */
  idle(): Promise<void>;
}

interface Batch {
  readonly lines: string[];
  characters: number;
  readonly onWritten: ((segment: number) => void)[];
  /** Settles once the lines are on disk or have failed. */
  readonly written: Promise<void>;
}

/** Lines that may wait for the write in progress, and their characters, so that long ones do not fill the heap. */
const maxWaiting = 10_000;
const maxWaitingCharacters = 32 * 1_024 * 1_024;

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** `maxBatch`: lines of one write, unless a single call adds more. */
export function createGroupCommit(segments: Pick<Segments, 'append'>, maxBatch = maxWaiting): GroupCommit {
  /** The batch that accepts lines. */
  let open: Batch | undefined;
  /** Lines in batches that have not begun. */
  let waiting = 0;
  let waitingCharacters = 0;
  /** Never rejects; each caller gets the error from its own batch. */
  let lastWritten: Promise<void> = Promise.resolve();

  /** Starts a batch that is written after the preceding one, with all lines of the same turn of the event loop. */
  const begin = (): Batch => {
    const write = async (): Promise<void> => {
      if (open === batch) open = undefined;
      waiting -= batch.lines.length;
      waitingCharacters -= batch.characters;
      const segment = await segments.append(batch.lines);
      for (const each of batch.onWritten) each(segment);
    };
    const written = lastWritten.then(endOfTurn).then(write);
    lastWritten = written.catch(() => {});
    const batch: Batch = { lines: [], characters: 0, onWritten: [], written };
    return batch;
  };

  const addAll: GroupCommit['addAll'] = (lines, onWritten) => {
    if (lines.length === 0) return Promise.resolve();
    const characters = lines.reduce((sum, line) => sum + line.length, 0);
    // Lines that are longer than that by themselves are written when no others wait.
    const isTooLong = waiting > 0 && waitingCharacters + characters > maxWaitingCharacters;
    if (isTooLong || waiting + lines.length > maxWaiting)
      return Promise.reject(diskBusyError(isTooLong ? waiting : maxWaiting));
    if (open && open.lines.length + lines.length > maxBatch) open = undefined;
    open ??= begin();
    waiting += lines.length;
    waitingCharacters += characters;
    open.characters += characters;
    open.lines.push(...lines);
    open.onWritten.push(onWritten);
    return open.written;
  };

  return {
    add: (line, onWritten) => addAll([line], onWritten),
    addAll,
    between: (work) => {
      const done = lastWritten.then(work);
      lastWritten = done.catch(() => {});
      return done;
    },
    idle: async () => {
      // `onWritten` may add further lines.
      for (let last: unknown; last !== lastWritten; ) {
        last = lastWritten;
        await last;
      }
    },
  };
}

/** Closes the segments after the last write. @returns whether they end with a closing line, as after a clean shutdown */
export async function closeAfterWrites(
  writer: Pick<GroupCommit, 'idle'>,
  segments: Pick<Segments, 'close'>,
  log: Log,
): Promise<boolean> {
  await writer.idle();
  try {
    await segments.close();
    return true;
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'could not write the closing line of a file');
    return false;
  }
}

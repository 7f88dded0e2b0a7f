// Reads one segment line by line and reports damage. Used by segments.ts.

import type { Log } from '../../domain/shared/ports.ts';
import type { Guard } from '../guards.ts';
import { DamagedFileError, type DamageHandler, parseChecked, readOrQuarantine } from './damaged-files.ts';
import type { Disk, SharedBuffer } from './disk.ts';
import { closingLine, isSegmentHeader, isSegmentLine, type SegmentLine } from './segment-lines.ts';

export interface ReadSegmentOptions<T> {
  readonly disk: Disk;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly isValue: Guard<T>;
  readonly file: string;
  readonly shared: SharedBuffer;
  /** The preceding segment as it was read; undefined when it no longer exists. */
  readonly before: { readonly segment: number; readonly bytes: number } | undefined;
  readonly isNewest: boolean;
  /** The newest segment must end with its closing line. */
  readonly cleanShutdown: boolean;
  readonly onLine: (
    line: SegmentLine<T>,
    place: { readonly offset: number; readonly length: number },
  ) => void;
  /** Takes the line from `start` to before `stop` without parsing it; false when it must be parsed. */
  readonly takeRaw?: ((bytes: Buffer, start: number, stop: number) => boolean) | undefined;
}

export interface SegmentContent {
  /** The size of the file, including a truncated last line. */
  readonly bytes: number;
  /** The length of all complete lines. */
  readonly length: number;
  readonly lines: number;
  readonly closed: boolean;
  /** Its header is intact; nothing may be appended to a segment without one. */
  readonly hasValidHeader: boolean;
  /** The newest segment ends with an incomplete line of a killed write, which was never acknowledged. */
  readonly isTruncated: boolean;
}

const newline = 0x0a;

/** Throws what the damage handler throws, and UNAVAILABLE. */
export async function readSegment<T>(options: ReadSegmentOptions<T>): Promise<SegmentContent> {
  const { disk, log, damage, file, shared, before, isNewest, cleanShutdown, onLine, takeRaw } = options;
  const isLine = isSegmentLine(options.isValue);
  const bytes =
    (await readOrQuarantine(damage, file, () => disk.readShared(file, shared))) ?? Buffer.alloc(0);
  const length = isNewest ? bytes.lastIndexOf(newline) + 1 : bytes.length;
  const faultOf = (what: string): void =>
    damage.onLine(new DamagedFileError(disk.pathOf(file), what, 'opening'));
  let number = 0;
  let lines = 0;
  let closed = false;
  let wellBegun = false;

  const read = (start: number, stop: number): void => {
    if (number > 1 && takeRaw?.(bytes, start, stop)) {
      closed = false;
      lines++;
      return;
    }
    const text = bytes.toString('utf8', start, stop);
    const name = `${file} line ${number}`;
    closed = text === closingLine;
    if (closed) return;
    if (number > 1) {
      onLine(parseChecked(disk, name, text, isLine, 'opening'), { offset: start, length: stop - start });
      lines++;
      return;
    }
    const { after } = parseChecked(disk, name, text, isSegmentHeader, 'opening');
    wellBegun = true;
    if (before && after?.segment === before.segment && after.bytes !== before.bytes) {
      const lost = file.replace(/\d+(?=\.ndjson$)/, String(before.segment));
      damage.onLine(
        new DamagedFileError(
          disk.pathOf(lost),
          `it has ${before.bytes} of its ${after.bytes} bytes`,
          'opening',
        ),
      );
    }
  };

  for (let start = 0; start < length; ) {
    const found = bytes.indexOf(newline, start);
    const stop = found < 0 ? length : found;
    number++;
    try {
      read(start, stop);
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      damage.onLine(error);
    }
    start = stop + 1;
  }

  const cut = length < bytes.length;
  if (number === 0) faultOf('it has no whole line');
  else if (isNewest && cleanShutdown && !closed) faultOf('lines at its end are missing');
  if (cut) {
    log.warn(
      { file: disk.pathOf(file), bytes: bytes.length - length },
      'removed an incomplete last line: swob was killed while writing it',
    );
  }
  return { bytes: bytes.length, length, lines, closed, hasValidHeader: wellBegun, isTruncated: cut };
}

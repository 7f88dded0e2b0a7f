// The format of segments. The first line gives the size of the preceding segment, and the last line of a closed
// segment marks its end; without them a segment that lost complete lines at its end would look intact.

import { isObject } from '../../lib/json.ts';
import { type Guard, isNumber, isText } from '../guards.ts';
import { withChecksum } from './checksum.ts';

/** A value with the time of its insertion (Unix time in milliseconds). */
export interface SegmentLine<T> {
  readonly key: string;
  readonly at: number;
  readonly value: T;
}

/** The number and size of the preceding segment; null for the first. */
export interface SegmentHeader {
  readonly after: { readonly segment: number; readonly bytes: number } | null;
}

export const closingLine = withChecksum('{"closed":true}');

export function headerLine(header: SegmentHeader): string {
  return withChecksum(JSON.stringify(header));
}

export function isSegmentHeader(value: unknown): value is SegmentHeader {
  if (!isObject(value)) return false;
  const { after } = value;
  return after === null || (isObject(after) && isNumber(after.segment) && isNumber(after.bytes));
}

export function isSegmentLine<T>(isValue: Guard<T>): Guard<SegmentLine<T>> {
  return (line): line is SegmentLine<T> =>
    isObject(line) && isText(line.key) && isNumber(line.at) && isValue(line.value);
}

// Reads a line of a segment without parsing its value, so that a start with a million lines takes a second instead of ten. Used by
// indexed-ttl-store.ts.

import { crc32 } from 'node:zlib';
import { withChecksum } from './checksum.ts';

export interface RawLine {
  /** The bytes of the key as JSON, without its quotes. */
  readonly keyStart: number;
  readonly keyStop: number;
  readonly at: number;
  readonly valueStart: number;
}

const marker = '\n';
const [opening = '', closing = ''] = withChecksum(marker).split(marker);
const sumLength = 8;
/** `,"crc32":"`, and what follows the sum. */
const beforeSum = Buffer.from(closing.slice(0, -sumLength - 2));
const afterSum = Buffer.from(closing.slice(-2));
const beforeKey = Buffer.from(`${opening}{"key":"`);
const beforeAt = Buffer.from('","at":');
const beforeValue = Buffer.from(',"value":');
const [quote, backslash, zero, nine] = [0x22, 0x5c, 0x30, 0x39];
/** Longer times are parsed elsewhere. */
const maxDigits = 15;

/**
 * The parts of a line as `ttl-store.ts` writes it, from `start` to before `stop`; undefined when it is written in another way or
 * its checksum does not match.
 */
export function readRawLine(bytes: Buffer, start: number, stop: number): RawLine | undefined {
  if (!hasAt(bytes, start, beforeKey) || !hasValidSum(bytes, start, stop)) return undefined;
  const keyStart = start + beforeKey.length;
  let keyStop = keyStart;
  while (keyStop < stop && bytes[keyStop] !== quote) keyStop += bytes[keyStop] === backslash ? 2 : 1;
  if (!hasAt(bytes, keyStop, beforeAt)) return undefined;
  let at = 0;
  let digit = keyStop + beforeAt.length;
  const firstDigit = digit;
  for (let byte = bytes[digit] ?? 0; byte >= zero && byte <= nine; byte = bytes[digit] ?? 0) {
    at = at * 10 + byte - zero;
    digit++;
  }
  const isNumber = digit > firstDigit && digit - firstDigit <= maxDigits;
  if (!isNumber || !hasAt(bytes, digit, beforeValue)) return undefined;
  return { keyStart, keyStop, at, valueStart: digit + beforeValue.length };
}

/** Whether the bytes stand there. */
export function hasAt(bytes: Buffer, at: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index++) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}

function hasValidSum(bytes: Buffer, start: number, stop: number): boolean {
  const sumStart = stop - afterSum.length - sumLength;
  const jsonStop = sumStart - beforeSum.length;
  if (jsonStop < start + opening.length) return false;
  if (!hasAt(bytes, jsonStop, beforeSum) || !hasAt(bytes, stop - afterSum.length, afterSum)) return false;
  let sum = 0;
  for (let at = sumStart; at < sumStart + sumLength; at++) {
    const digit = hexDigit(bytes[at] ?? 0);
    if (digit < 0) return false;
    sum = sum * 16 + digit;
  }
  return sum === crc32(bytes.subarray(start + opening.length, jsonStop));
}

/** The value of a lower-case digit, or -1. */
function hexDigit(byte: number): number {
  if (byte >= zero && byte <= nine) return byte - zero;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}

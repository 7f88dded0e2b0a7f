// Every record and every line of the lowdb store carries the CRC-32 of its text, because a bit flipped on disk can
// leave valid JSON with another value. The result is JSON too, so an operator's tools can read it.

import { crc32 } from 'node:zlib';

const prefix = '{"record":';
const separator = ',"crc32":"';
const suffix = '"}';
const sumLength = 8;

/** `{"record":<json>,"crc32":"<8 hex digits>"}` */
export function withChecksum(json: string): string {
  return `${prefix}${json}${afterJson(json)}`;
}

function afterJson(json: string): string {
  return `${separator}${hex(crc32(json))}${suffix}`;
}

/** The bytes that a checksum adds to JSON. */
export const checksumBytes = withChecksum('').length;

/** The same for JSON that is produced in parts. */
export function* withChecksumInParts<Part extends string | Uint8Array>(
  parts: Iterable<Part>,
): Generator<Part | string> {
  let sum = 0;
  yield prefix;
  for (const part of parts) {
    sum = crc32(part, sum);
    yield part;
  }
  yield `${separator}${hex(sum)}${suffix}`;
}

/** Whether the text has the form of `withChecksum`, whatever its checksum. */
export function isChecksummed(text: string): boolean {
  return text.startsWith(prefix);
}

/** The JSON without its checksum; undefined when the checksum does not match. */
export function verifyChecksum(text: string): string | undefined {
  const stop = text.length - separator.length - sumLength - suffix.length;
  if (stop < prefix.length) return undefined;
  const json = text.slice(prefix.length, stop);
  // Without another copy of the text, which may be a snapshot of megabytes.
  return text.startsWith(prefix) && text.endsWith(afterJson(json)) ? json : undefined;
}

function hex(sum: number): string {
  return sum.toString(16).padStart(sumLength, '0');
}

// GELF 1.1 as Graylog takes it over UDP: a log line as JSON, in one datagram or in chunks. Pure. Used by
// gelf-sender.ts.

import { syslogLevel } from './levels.ts';
import type { LogRecord } from './record.ts';

/** Bytes of a datagram, below an Ethernet MTU less the headers of tunnels. */
export const maxDatagram = 1_420;
const maxChunks = 128;
const headerBytes = 12;
const chunkBytes = maxDatagram - headerBytes;
/** Bytes of a message over all chunks. */
export const maxMessage = maxChunks * chunkBytes;
/** Characters that always fit, at six bytes of JSON each; the rest is for the other fields. */
const keptMessageLength = 20_000;
const keptFieldLength = 500;

/**
 * The message as JSON. Additional fields get an underscore; values that are neither string nor number are encoded as JSON. A
 * message beyond GELF's maximum is truncated, with its original size in `_cut_from`.
 */
export function encodeGelf(record: LogRecord, host: string): Buffer {
  const { level, time, msg, ...fields } = record;
  const head = {
    version: '1.1',
    host,
    short_message: msg === '' ? '-' : msg,
    timestamp: Date.parse(time) / 1_000,
    level: syslogLevel(level),
  };
  const message = Buffer.from(JSON.stringify({ ...head, ...additionalFields(fields) }));
  if (message.length <= maxMessage) return message;
  const { service = '', requestId = '' } = fields;
  return Buffer.from(
    JSON.stringify({
      ...head,
      short_message: `${head.short_message.slice(0, keptMessageLength)}… [cut]`,
      ...additionalFields({
        service: service.slice(0, keptFieldLength),
        requestId: requestId.slice(0, keptFieldLength),
      }),
      _cut_from: message.length,
    }),
  );
}

function additionalFields(fields: Readonly<Record<string, unknown>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => {
      if (value === undefined || value === null) return [];
      const fits = typeof value === 'string' || typeof value === 'number';
      return [[fieldName(key), fits ? value : JSON.stringify(value)]];
    }),
  );
}

/** GELF allows letters, digits, `_`, `.` and `-`, and reserves `_id`. */
function fieldName(key: string): string {
  return key === 'id' ? '_item_id' : `_${key.replace(/[^\w.-]/g, '_')}`;
}

/** The datagrams that carry a message of at most `maxMessage` bytes; `id` returns 8 random bytes. */
export function datagramsOf(message: Buffer, id: () => Uint8Array): Buffer[] {
  if (message.length <= maxDatagram) return [message];
  const count = Math.ceil(message.length / chunkBytes);
  const shared = id();
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      shared,
      Buffer.from([index, count]),
      message.subarray(index * chunkBytes, (index + 1) * chunkBytes),
    ]),
  );
}

// GELF 1.1 as Graylog takes it over UDP: a log line as JSON, in one datagram or in chunks. Pure. Used by gelf-sender.ts.

import { syslogLevel } from './levels.ts';
import type { LogRecord } from './record.ts';

/** Bytes of a datagram, so that it passes through an Ethernet with tunnels on the way. */
export const maxDatagram = 1_420;
const maxChunks = 128;
const headerBytes = 12;
const chunkBytes = maxDatagram - headerBytes;
/** Bytes of a message in all its chunks. */
export const maxMessage = maxChunks * chunkBytes;
/** Characters that always fit: JSON takes six bytes for one at the most. The rest is for the other fields. */
const keptOfMessage = 20_000;
const keptOfField = 500;

/**
 * The message as JSON. Fields of ours get an underscore; what is neither text nor number goes as JSON. One that is larger
 * than GELF can be is cut, and says so in `_cut_from`.
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
  const whole = Buffer.from(JSON.stringify({ ...head, ...additional(fields) }));
  if (whole.length <= maxMessage) return whole;
  const { service = '', requestId = '' } = fields;
  return Buffer.from(
    JSON.stringify({
      ...head,
      short_message: `${head.short_message.slice(0, keptOfMessage)}… [cut]`,
      ...additional({ service: service.slice(0, keptOfField), requestId: requestId.slice(0, keptOfField) }),
      _cut_from: whole.length,
    }),
  );
}

function additional(fields: Readonly<Record<string, unknown>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => {
      if (value === undefined || value === null) return [];
      const fits = typeof value === 'string' || typeof value === 'number';
      return [[nameOf(key), fits ? value : JSON.stringify(value)]];
    }),
  );
}

/** GELF knows letters, digits, `_`, `.` and `-`, and keeps `_id` for itself. */
function nameOf(key: string): string {
  return key === 'id' ? '_item_id' : `_${key.replace(/[^\w.-]/g, '_')}`;
}

/** The datagrams that carry a message of at most `maxMessage` bytes; `id` are 8 bytes that tell it from others. */
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

// The hash slots of a Redis Cluster: which one a key has, and who has which. Used by cluster.ts.

import type { RedisAddress } from '../../../config/store-url.ts';

export const slotCount = 16_384;

/** CRC-16/XMODEM of the key, or of what stands between its first braces when that is not empty. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (const byte of Buffer.from(hashed)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return crc % slotCount;
}

export interface SlotRange {
  readonly from: number;
  /** Included. */
  readonly to: number;
  readonly master: RedisAddress;
}

/** The answer to CLUSTER SLOTS; a node that does not know its own address is the one that was asked. */
export function readSlots(reply: unknown, asked: RedisAddress): SlotRange[] {
  if (!Array.isArray(reply)) return [];
  return reply.flatMap((entry: unknown) => {
    const [from, to, master]: unknown[] = Array.isArray(entry) ? entry : [];
    const [host, port]: unknown[] = Array.isArray(master) ? master : [];
    if (typeof from !== 'number' || typeof to !== 'number' || typeof port !== 'number') return [];
    const known = typeof host === 'string' && host !== '' && host !== '?';
    return [{ from, to, master: { host: known ? host : asked.host, port } }];
  });
}

/** `a:6379`, `::1:6379` and `:6379` of MOVED and ASK; without a host it is the one that answered. */
export function readAddress(text: string, asked: RedisAddress): RedisAddress {
  const colon = text.lastIndexOf(':');
  const host = text.slice(0, Math.max(colon, 0)).replace(/^\[|\]$/g, '');
  return { host: host === '' ? asked.host : host, port: Number(text.slice(colon + 1)) };
}

// Reads GELF like a Graylog server: datagrams in any order, of interleaved messages. Written from the specification
// alone.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onEnd } from './teardown.ts';

/** Accepts datagrams and returns each complete message, parsed. Throws for an invalid datagram. */
export function createGelfReader() {
  const unfinished = new Map<string, Map<number, Buffer>>();
  return {
    take: (datagram: Buffer): Record<string, unknown> | undefined => {
      if (datagram.readUInt16BE(0) !== 0x1e0f) return JSON.parse(datagram.toString('utf8'));
      const id = datagram.toString('hex', 2, 10);
      const number = datagram.readUInt8(10);
      const total = datagram.readUInt8(11);
      if (total > 128 || number >= total) throw new Error(`chunk ${number} of ${total}`);
      const parts = unfinished.get(id) ?? new Map<number, Buffer>();
      if (parts.has(number)) throw new Error(`chunk ${number} came twice`);
      unfinished.set(id, parts.set(number, datagram.subarray(12)));
      if (parts.size < total) return undefined;
      unfinished.delete(id);
      const bytes = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
      return JSON.parse(Buffer.concat(bytes).toString('utf8'));
    },
    /** Number of incomplete messages. */
    unfinished: () => unfinished.size,
  };
}

export interface GelfListener {
  readonly port: number;
  readonly messages: Record<string, unknown>[];
  /** Bytes of each datagram. */
  readonly sizes: number[];
}

/** Listens on UDP until the test ends. */
export async function startGelfListener(port = 0, address = '127.0.0.1'): Promise<GelfListener> {
  const socket = createSocket('udp4');
  const reader = createGelfReader();
  const messages: GelfListener['messages'] = [];
  const sizes: number[] = [];
  socket.on('message', (datagram) => {
    sizes.push(datagram.length);
    const message = reader.take(datagram);
    if (message) messages.push(message);
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  onEnd(() => void socket.close());
  return { port: socket.address().port, messages, sizes };
}

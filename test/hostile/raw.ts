// Raw TCP clients: they send the bytes that a test writes, and return the bytes that they receive.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { onTestFinished } from 'vitest';
import { unbracketHost } from '../../src/lib/net.ts';

/** A connection to the host and port of a URL, closed after the test. `https` and `wss` use TLS. */
export async function connectTo(url: string): Promise<Socket> {
  const { hostname, port, protocol } = new URL(url);
  const secure = protocol === 'https:' || protocol === 'wss:';
  const options = { host: unbracketHost(hostname), port: Number(port) };
  const socket = secure ? connectTls({ ...options, rejectUnauthorized: false }) : connect(options);
  onTestFinished(() => void socket.destroy());
  await once(socket, secure ? 'secureConnect' : 'connect');
  // The server may reset the connection; `close` follows.
  socket.on('error', () => {});
  return socket;
}

/** Sends the text and resolves to everything received until the connection closes. */
export async function exchange(url: string, text: string): Promise<string> {
  const socket = await connectTo(url);
  const response = readAll(socket);
  socket.write(text);
  return response;
}

/** Everything received until the connection closes. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // Not `events.once`, which rejects when the server resets the connection.
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString('latin1');
}

/** A request with the path unchanged: fetch would normalize it. */
export function request(method: string, path: string, headers: readonly string[] = [], body = ''): string {
  return [`${method} ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...headers, '', body].join(
    '\r\n',
  );
}

export interface RawPeer {
  readonly socket: Socket;
  /** Status line and headers of the answer to the upgrade. */
  readonly head: string;
  /** The code of the server's close frame, or undefined when the connection ended without one. */
  readonly closed: Promise<number | undefined>;
  /** The payload of the next frame with this opcode, whatever else has come. */
  frame(opcode: number): Promise<Buffer>;
}

/** A websocket peer that answers neither pings nor a close. */
export async function openRawPeer(url: string, headers: readonly string[] = []): Promise<RawPeer> {
  const socket = await connectTo(url);
  const { pathname } = new URL(url);
  let received = Buffer.alloc(0);
  const changed = new Set<() => void>();
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (const check of changed) check();
  });
  const headEnd = (): number => received.indexOf('\r\n\r\n');
  const until = (isDone: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (!isDone()) return;
        changed.delete(check);
        resolve();
      };
      changed.add(check);
      socket.once('close', () => reject(new Error('the connection was closed')));
      check();
    });

  socket.write(upgrade(pathname, headers));
  await until(() => headEnd() >= 0);
  const head = received.subarray(0, headEnd()).toString('latin1');
  received = received.subarray(headEnd() + 4);
  let seen = 0;
  return {
    socket,
    head,
    closed: new Promise((resolve) => {
      socket.once('close', () => {
        const close = framesOf(received).find(({ opcode }) => opcode === 8);
        resolve(close?.payload.readUInt16BE(0));
      });
    }),
    frame: async (opcode) => {
      const wanted = () => framesOf(received).findIndex((found, at) => at >= seen && found.opcode === opcode);
      await until(() => wanted() >= 0);
      seen = wanted() + 1;
      return framesOf(received)[seen - 1]?.payload ?? Buffer.alloc(0);
    },
  };
}

/** The opening handshake of RFC 6455, with headers that a test adds. */
export function upgrade(path: string, headers: readonly string[] = []): string {
  const all = [
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${Buffer.alloc(16, 7).toString('base64')}`,
  ];
  const names = headers.map((header) => header.split(':', 1)[0]?.toLowerCase());
  const kept = all.filter((header) => !names.includes(header.split(':', 1)[0]?.toLowerCase()));
  // A header without a value removes the standard one.
  const added = headers.filter((header) => !header.endsWith(':'));
  return [`GET ${path} HTTP/1.1`, 'Host: localhost', ...kept, ...added, '', ''].join('\r\n');
}

/** A client's frame, masked with zeros. `first` is the byte of FIN, RSV and opcode. */
export function frame(first: number, payload: Uint8Array | string = ''): Buffer {
  const data = Buffer.from(payload);
  const length =
    data.length < 126 ? [0x80 | data.length] : [0x80 | 126, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from([first, ...length, 0, 0, 0, 0]), data]);
}

/** The whole frames of a server: not masked, and of less than 64 KiB. */
function framesOf(bytes: Buffer): { opcode: number; payload: Buffer }[] {
  const frames: { opcode: number; payload: Buffer }[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes.readUInt8(at + 1);
    if (short === 126 && at + 4 > bytes.length) break;
    const [start, length] = short === 126 ? [at + 4, bytes.readUInt16BE(at + 2)] : [at + 2, short];
    if (start + length > bytes.length) break;
    frames.push({ opcode: bytes.readUInt8(at) & 0x0f, payload: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return frames;
}

// A websocket client whose frames are awaited one by one.

import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';

export interface TestSocket {
  readonly raw: WebSocket;
  /** The next text frame. Rejects when the socket closes instead. */
  next(): Promise<string>;
  /** Code and reason of the close, whenever it comes. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Resolves when the server has received the pongs to its pings. */
  settled(): Promise<void>;
  /** Received frames that were not awaited. */
  readonly unread: readonly string[];
}

/** Resolves once open; rejects with `unexpected <status>` when the server answers over HTTP. */
export async function openSocket(url: string, options: ClientOptions = {}): Promise<TestSocket> {
  const raw = new WebSocket(url, { perMessageDeflate: false, ...options });
  onTestFinished(() => raw.terminate());
  const unread: string[] = [];
  const waiting: { resolve: (frame: string) => void; reject: (error: Error) => void }[] = [];
  raw.on('message', (data) => {
    const frame = String(data);
    const waiter = waiting.shift();
    if (waiter) waiter.resolve(frame);
    else unread.push(frame);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    raw.on('close', (code, reason) => {
      for (const { reject } of waiting.splice(0)) reject(new Error(`closed with ${code} ${reason}`));
      resolve({ code, reason: String(reason) });
    });
  });
  await new Promise<void>((resolve, reject) => {
    raw.once('open', resolve);
    raw.on('error', reject);
    raw.once('unexpected-response', (_request, response) => {
      response.resume();
      reject(new Error(`unexpected ${response.statusCode}`));
    });
  });
  const roundTrip = (): Promise<void> =>
    new Promise((resolve) => {
      raw.once('pong', () => resolve());
      raw.ping();
    });
  return {
    raw,
    closed,
    unread,
    // The first round trip delivers the server's pings, the second follows the pongs.
    settled: async () => {
      await roundTrip();
      await roundTrip();
    },
    next: () => {
      const frame = unread.shift();
      if (frame !== undefined) return Promise.resolve(frame);
      if (raw.readyState === raw.CLOSED) return Promise.reject(new Error('closed'));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
  };
}

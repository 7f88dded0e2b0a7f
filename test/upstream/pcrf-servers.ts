// PCRF servers that respond when a test says so or never accept a connection, and sessions to end there.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createConnection, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, vi } from 'vitest';
import { session } from './pcrf-client.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

export const good = httpResponse('{"success":true}');
const idOf = (request: string): string => /session=([^&]*)/.exec(request)?.[1] ?? '';
export const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...session, sessionId: `${index}` }));

/** A server that responds when the test says so. */
export async function startHeldServer() {
  const held: { id: string; respond: () => void }[] = [];
  const server = await startRawServer((socket, request) => {
    held.push({ id: idOf(request), respond: () => void socket.write(good) });
  });
  return { ...server, held };
}

/** The client sockets that this test opens from here on; those of earlier test files in the same process do not count. */
export function watchClientSockets() {
  const sockets: Socket[] = [];
  const collect = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', collect);
  onTestFinished(() => void unsubscribe('net.client.socket', collect));
  return {
    connecting: () => sockets.filter((socket) => socket.connecting).length,
    open: () => sockets.filter((socket) => !socket.destroyed).length,
  };
}

/** A server whose thread sleeps and whose backlog is full: new connections get no reply. */
export async function startDeafServer(): Promise<number> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(code, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const fillers: Socket[] = [];
  onTestFinished(async () => {
    for (const filler of fillers) filler.destroy();
    await worker.terminate();
  });
  for (let index = 0; index < 8; index += 1) {
    fillers.push(createConnection({ port, host: '127.0.0.1' }).on('error', () => undefined));
  }
  await vi.waitFor(() => expect(fillers.some((filler) => !filler.connecting)).toBe(true));
  return port;
}

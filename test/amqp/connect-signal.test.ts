// Connections that fail leave nothing behind on the signal that ends them.

import { getEventListeners, once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createConnectSignal } from '../../src/amqp/connect-signal.ts';
import { freePort } from '../support/ports.ts';

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

async function openRefused(signal: AbortSignal): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: await freePort(), signal });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
}

test('reset removes the listeners that node:net keeps for closed connections', async () => {
  const { signal, reset } = createConnectSignal();
  for (let n = 0; n < 3; n += 1) await openRefused(signal);
  reset();
  expect(listenersOf(signal)).toBe(0);
});

test('abort destroys a connection that was opened after a reset', async () => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  onTestFinished(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const { signal, reset, abort } = createConnectSignal();
  await openRefused(signal);
  reset();
  const socket = connect({ host: '127.0.0.1', port, signal });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  abort();
  await closed;
  expect(socket.destroyed).toBe(true);
});

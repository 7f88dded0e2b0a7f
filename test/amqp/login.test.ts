// A login at a server that never ends the handshake of AMQP, for `swob doctor`.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checkLogin } from '../../src/amqp/login.ts';
import { createFakeClock } from '../support/fake-clock.ts';

test('a login ends in time, also at a server that keeps sending', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  onTestFinished(() => void server.close());
  const clock = createFakeClock();
  const login = checkLogin(`amqp://guest:hunter2@127.0.0.1:${port}`, 5_000, clock);
  const [socket]: Socket[] = await once(server, 'connection');
  if (!socket) throw new Error('nobody has connected');
  const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  await once(socket, 'data');
  // The beginning of a frame.
  socket.write(Buffer.from([1, 0, 0, 0, 0, 15, 160, 0]));
  clock.advance(4_999);
  expect(clock.pending).toBe(1);
  clock.advance(1);
  await expect(login).rejects.toMatchObject({ code: 'UPSTREAM', message: 'ETIMEDOUT' });
  await closed;
});

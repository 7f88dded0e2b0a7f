// More concurrent clients than the daemon can accept: the kernel queues their connections.

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createInstallation, portOf } from './installation.ts';

const clients = 1_000;

test.for([
  ['gateway', '404'],
  ['sync', '426'],
] as const)('a thousand connect to %s while it stands still', async ([service, status], context) => {
  needs(context, { acceptQueue: clients });
  const { folder } = await createInstallation();
  const swob = await startSwob(['serve'], { cwd: folder });
  const port = portOf(swob.ready[service].url);
  // The process is suspended and accepts nothing; a client that finds the queue full gets no reply.
  swob.kill('SIGSTOP');
  const sockets = Array.from({ length: clients }, () => connect(port, '127.0.0.1'));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  swob.kill('SIGCONT');
  const responses = sockets.map(async (socket) => {
    socket.write('GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n');
    const [bytes] = await once(socket, 'data');
    return String(bytes).slice(0, 12);
  });
  expect(new Set(await Promise.all(responses))).toEqual(new Set([`HTTP/1.1 ${status}`]));
});

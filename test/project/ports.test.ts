// The helper that reserves free ports: the system gives them to no other socket.

import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { needs } from '../support/needs.ts';
import { freePort, freePorts, occupy } from '../support/ports.ts';

test('reserved ports differ, refuse connections, and can be listened on repeatedly', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  const [port = 0] = ports;
  const [error] = await once(
    connect(port, '127.0.0.1').on('error', () => {}),
    'error',
  );
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  for (let time = 0; time < 3; time++) {
    const taken = await occupy(port);
    expect(taken.port).toBe(port);
    await taken.free();
  }
});

test('the system assigns a reserved port to no other server', async (context) => {
  needs(context, { loopbackNetwork: true });
  const reserved = new Set(await freePorts(200));
  const servers: Server[] = [];
  onTestFinished(() => {
    for (const server of servers) server.close();
  });
  // Without a reservation about 15 of them would collide.
  for (let count = 0; count < 2_000; count++) {
    const server = createServer().listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address) expect(reserved).not.toContain(address.port);
  }
  expect(reserved).not.toContain(await freePort());
});

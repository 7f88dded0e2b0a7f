// TLS connections that differ only in the address of this machine.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { request } from '../hostile/raw.ts';
import { makeCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createTestServer } from '../support/http-server.ts';
import { needs } from '../support/needs.ts';

async function connectFrom(localPort: number, host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, localAddress: '127.0.0.1', localPort });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function secure(socket: Socket): Promise<Socket> {
  const secured = connectTls({ socket, rejectUnauthorized: false });
  onTestFinished(() => void secured.destroy());
  await once(secured, 'secureConnect');
  return secured;
}

test('a client that connects from one port to two addresses has two connections, each with its own requests', async (context) => {
  needs(context, { command: 'openssl' }, { loopbackNetwork: true });
  const { crt, key } = makeCertificate(temporaryFolder(), 'service');
  const certificate = { cert: readFileSync(crt, 'utf8'), key: readFileSync(key, 'utf8') };
  const { app, server } = await createTestServer(certificate, '0.0.0.0');
  const waiting: ((text: string) => void)[] = [];
  app.get('/slow', () => new Promise<string>((resolve) => waiting.push(resolve)));
  let parsed = 0;
  app.server.on('request', () => parsed++);
  const port = await server.start();
  const first = await connectFrom(0, '127.0.0.1', port);
  const second = await connectFrom(first.localPort ?? 0, '127.0.0.2', port);
  for (const socket of [first, second]) {
    const secured = await secure(socket);
    // The second request waits for the response to the first, as on every connection.
    secured.write(request('GET', '/slow').replace('Connection: close\r\n', '').repeat(2));
  }
  await vi.waitFor(() => expect(parsed).toBe(4));
  expect(waiting).toHaveLength(2);
});

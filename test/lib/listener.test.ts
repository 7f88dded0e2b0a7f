// A server listens on every address of its host name, and is given the connections of all.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createListener } from '../../src/lib/listener.ts';
import { needs } from '../support/needs.ts';

const both = ['127.0.0.1', '::1'];

beforeEach((context) => needs(context, { ipv6: true }));

/** Answers each request with the address that it came to. */
function createTestListener(addresses: readonly string[], port = 0) {
  const server = createServer((request, response) => response.end(request.socket.localAddress));
  const listener = createListener(server, { host: 'swob.test', port, lookUp: async () => addresses });
  onTestFinished(async () => {
    server.closeAllConnections();
    await listener.close();
  });
  return { server, listener };
}

async function occupy(host: string, port: number): Promise<Server> {
  const server = createTcpServer().listen(port, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return server;
}

const get = async (host: string, port: number): Promise<string> =>
  (await fetch(`http://${host}:${port}`, { headers: { connection: 'close' } })).text();

test('all addresses have the same port, and close together', async () => {
  const { listener } = createTestListener([...both, '127.0.0.1']);
  const port = await listener.start();
  expect(await get('127.0.0.1', port)).toBe('127.0.0.1');
  expect(await get('[::1]', port)).toBe('::1');
  await listener.close();
  await listener.close();
  await expect(get('127.0.0.1', port)).rejects.toThrow('fetch failed');
  await expect(get('[::1]', port)).rejects.toThrow('fetch failed');
});

test.each(both)('at %s a client may end its side before the response', async (host) => {
  const { listener } = createTestListener(both);
  const socket = connect({ host, port: await listener.start(), allowHalfOpen: true });
  socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toMatch(new RegExp(`\r\n\r\n${host}$`));
});

test('it has closed when the connections of every address have ended', async () => {
  const { server, listener } = createTestListener(both);
  const port = await listener.start();
  const socket = connect({ host: '::1', port });
  await once(server, 'connection');
  let hasClosed = false;
  const closed = listener.close().then(() => {
    hasClosed = true;
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  expect(hasClosed).toBe(false);
  socket.destroy();
  await closed;
});

test.each(both)(
  'a port that another program has at %s: the error names it, and no address is left',
  async (host) => {
    const taken = await occupy(host, 0);
    const { port } = taken.address() as AddressInfo;
    const { listener } = createTestListener(both, port);
    await expect(listener.start()).rejects.toMatchObject({ code: 'EADDRINUSE', address: host, port });
    await new Promise((resolve) => taken.close(resolve));
    await Promise.all(both.map((each) => occupy(each, port)));
  },
);

test('port 0 is one that is free at all addresses', async () => {
  const { server, listener } = createTestListener(both);
  // The port that the system chooses first is taken at the other address by then.
  server.prependOnceListener('listening', () => {
    const { port } = server.address() as AddressInfo;
    taken.listen(port, '::1');
  });
  const taken = createTcpServer();
  onTestFinished(() => void taken.close());
  const port = await listener.start();
  expect(port).not.toBe((taken.address() as AddressInfo).port);
  expect(await get('127.0.0.1', port)).toBe('127.0.0.1');
  expect(await get('[::1]', port)).toBe('::1');
});

test('addresses of other machines are left out, unless there is no other', async () => {
  const some = createTestListener(['2001:db8::1', '192.0.2.1', '::1']);
  expect(await get('[::1]', await some.listener.start())).toBe('::1');
  const none = createTestListener(['2001:db8::1', '192.0.2.1']);
  await expect(none.listener.start()).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
});

test('a name that does not resolve is an error of the system', async () => {
  const server = createServer();
  const listener = createListener(server, { host: 'nowhere.invalid', port: 0 });
  await expect(listener.start()).rejects.toThrow('getaddrinfo');
  await listener.close();
});

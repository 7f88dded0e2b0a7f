// What fastify and Node do with their own options set: each test shows a requirement that they miss and that a part of src/http or src/lib
// meets. When one fails after an upgrade, that part may be replaced; docs/decisions.md, "Own infrastructure
// beside libraries", records them.

import dns from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import Fastify from 'fastify';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isObject } from '../../src/lib/json.ts';
import { connectTo } from '../hostile/raw.ts';
import { needs } from '../support/needs.ts';

const waitOptions = { timeout: 10_000 };

test('handler-timeout.ts: handlerTimeout of fastify never ends a request whose body has been read', async () => {
  const app = Fastify({ handlerTimeout: 50 });
  onTestFinished(() => app.close());
  const handlers: ((text: string) => void)[] = [];
  const handler = () => new Promise<string>((resolve) => handlers.push(resolve));
  app.get('/slow', handler).post('/slow', handler);
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const headers = { 'content-type': 'application/json' };
  let posted: number | undefined;
  const post = fetch(`${url}/slow`, { method: 'POST', headers, body: '{}' }).then(({ status }) => {
    posted = status;
  });
  await vi.waitFor(() => expect(handlers).toHaveLength(1), waitOptions);
  // Ten timeouts one after the other, each of which fastify ends.
  for (let n = 0; n < 10; n++) expect((await fetch(`${url}/slow`)).status).toBe(503);
  expect(posted).toBeUndefined();
  handlers[0]?.('late');
  await post;
  expect(posted).toBe(200);
});

test('connection-limiter.ts: fastify handles all pipelined requests concurrently, and Node has no option against it', async () => {
  const app = Fastify({ connectionTimeout: 10_000, maxRequestsPerSocket: 0 });
  onTestFinished(() => app.close());
  let running = 0;
  app.get('/', () => {
    running++;
    return new Promise(() => {});
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const socket = await connectTo(url);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1_000));
  await vi.waitFor(() => expect(running).toBe(1_000), waitOptions);
  socket.destroy();
});

test('connection-limiter.ts: maxConnections of Node drops new connections and keeps idle ones', async () => {
  const server = createServer((_request, response) => response.end('served'));
  server.maxConnections = 2;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const idle = await Promise.all([1, 2].map(() => connectTo(`http://127.0.0.1:${port}`)));
  const dropped = once(server, 'drop');
  const client = connect(port, '127.0.0.1');
  client.on('error', () => {});
  await Promise.all([dropped, once(client, 'close')]);
  for (const socket of idle) expect(socket.destroyed).toBe(false);
});

test('listener.ts: what is attached to the server of fastify does not see the connections at the second address of localhost', async (context) => {
  needs(context, { ipv6: true });
  const { lookup } = dns;
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  Reflect.set(dns, 'lookup', (host: string, ...rest: unknown[]) => {
    if (host !== 'localhost') return Reflect.apply(lookup, dns, [host, ...rest]);
    const [options, answer] = [rest[0], rest.at(-1)];
    if (typeof answer !== 'function') throw new Error('expected a callback');
    if (isObject(options) && options.all) answer(null, addresses);
    else answer(null, '127.0.0.1', 4);
  });
  const app = Fastify();
  app.get('/', () => 'ok');
  let seen = 0;
  app.server.on('connection', () => seen++);
  onTestFinished(() => app.close());
  try {
    await app.listen({ port: 0, host: 'localhost' });
  } finally {
    Reflect.set(dns, 'lookup', lookup);
  }
  const { port } = app.server.address() as AddressInfo;
  for (const host of ['127.0.0.1', '[::1]']) expect((await fetch(`http://${host}:${port}`)).status).toBe(200);
  expect(seen).toBe(1);
});

test('body-parsers.ts: bodyLimit of fastify bounds the bytes of each body, not the chunks nor the bodies of all', async () => {
  const app = Fastify({ bodyLimit: 10_000 });
  onTestFinished(() => app.close());
  app.post('/', (request) => String(String(request.body).length));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const socket = await connectTo(url);
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n';
  socket.write(`${head}${'1\r\na\r\n'.repeat(10_000)}0\r\n\r\n`);
  const [response] = await once(socket, 'data');
  // swob rejects it with 413: each chunk costs time and memory, however small.
  expect(String(response)).toMatch(/^HTTP\/1\.1 200 [\s\S]*10000$/);
});

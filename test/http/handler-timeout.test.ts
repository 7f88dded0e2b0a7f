// Handlers that exceed their timeout, on a fake clock.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { connectTo, exchange, readAll, request } from '../hostile/raw.ts';
import { createTestServer } from '../support/http-server.ts';

const waitOptions = { timeout: 10_000 };

/** A server whose handlers may take ten seconds, and whose `/slow` takes until `answer` is called. */
async function start() {
  const { app, server, clock, served } = await createTestServer();
  const waiting: ((text: string) => void)[] = [];
  app.get('/slow', () => new Promise<string>((resolve) => waiting.push(resolve)));
  app.get('/half', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-length': 10 });
    reply.raw.write('half');
  });
  app.get('/quick', () => 'quick');
  const url = `http://127.0.0.1:${await server.start()}`;
  const untilBegun = (count: number) => vi.waitFor(() => expect(waiting).toHaveLength(count), waitOptions);
  return { url, clock, served, waiting, untilBegun, app };
}

test('a handler that exceeds its timeout gets 503, is counted once, and its late result is ignored', async () => {
  const { url, clock, served, waiting, untilBegun } = await start();
  const late = exchange(url, request('GET', '/slow'));
  await untilBegun(1);
  clock.advance(9_999);
  expect(served).toEqual([]);
  clock.advance(1_001);
  expect(await late).toMatch(/^HTTP\/1\.1 503 [\s\S]*x-request-id: [\s\S]*10000/i);
  waiting[0]?.('too late');
  expect(await exchange(url, request('GET', '/quick'))).toMatch(/^HTTP\/1\.1 200 /);
  expect(served).toEqual([
    { route: '/slow', status: 503 },
    { route: '/quick', status: 200 },
  ]);
});

test('each handler has its full timeout in a recycled slot', async () => {
  const { url, clock, waiting, untilBegun } = await start();
  const first = exchange(url, request('GET', '/slow'));
  await untilBegun(1);
  const second = exchange(url, request('GET', '/slow'));
  await untilBegun(2);
  clock.advance(6_000);
  waiting[0]?.('in time');
  expect(await first).toMatch(/^HTTP\/1\.1 200 /);
  // In the slot of the first.
  const third = exchange(url, request('GET', '/slow'));
  await untilBegun(3);
  clock.advance(5_000);
  expect(await second).toMatch(/^HTTP\/1\.1 503 /);
  waiting[2]?.('in time');
  expect(await third).toMatch(/^HTTP\/1\.1 200 /);
});

test('a response that has started is aborted', async () => {
  const { url, clock } = await start();
  const socket = await connectTo(url);
  const response = readAll(socket);
  socket.write(request('GET', '/half'));
  await vi.waitFor(() => expect(socket.bytesRead).toBeGreaterThan(0), waitOptions);
  clock.advance(11_000);
  expect(await response).toMatch(/half$/);
});

test('a request whose client has disconnected is released while its handler still runs', async () => {
  const { url, clock, waiting, untilBegun, app } = await start();
  const kept: WeakRef<object>[] = [];
  app.server.on('request', (incoming) => void kept.push(new WeakRef(incoming)));
  const socket = await connectTo(url);
  socket.write(request('GET', '/slow'));
  await untilBegun(1);
  socket.destroy();
  waiting.length = 0;
  await exchange(url, request('GET', '/quick'));
  const [first] = kept;
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  await vi.waitFor(() => {
    clock.advance(500);
    if (typeof collect === 'function') collect();
    expect(first?.deref() === undefined).toBe(true);
  }, waitOptions);
  expect(clock.monotonic()).toBeLessThan(10_000);
});

test('the slot of an aborted request is freed at its deadline, and the last one stops the timer', async () => {
  const { url, clock, waiting, untilBegun } = await start();
  expect(clock.pending).toBe(0);
  const socket = await connectTo(url);
  socket.write(request('GET', '/slow'));
  await untilBegun(1);
  expect(clock.pending).toBe(1);
  socket.destroy();
  await exchange(url, request('GET', '/quick'));
  clock.advance(5_000);
  expect(clock.pending).toBe(1);
  clock.advance(6_000);
  expect(clock.pending).toBe(0);
  waiting[0]?.('to nobody');
  expect(await exchange(url, request('GET', '/quick'))).toMatch(/^HTTP\/1\.1 200 /);
  expect(clock.pending).toBe(1);
  clock.advance(1_000);
  expect(clock.pending).toBe(0);
});

// Handlers that take too long, on a clock that is moved by hand.

import { expect, onTestFinished, test, vi } from 'vitest';
import { createHttpServer } from '../../src/http/server.ts';
import { connectTo, exchange, readAll, request } from '../hostile/raw.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

const patience = { timeout: 10_000 };

/** A server whose handlers may take ten seconds, and whose `/slow` takes until `answer` is called. */
async function start() {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const served: { route: string | undefined; status: number }[] = [];
  const { app, server } = await createHttpServer(
    {
      name: 'the test',
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      trustedProxies: [],
      requestTimeoutMs: 60_000,
      handlerTimeoutMs: 10_000,
      pressure: { admit: () => undefined, refused: 0, stop: () => undefined },
      clock,
      log,
      operations: {
        served: ({ route, status }) => served.push({ route, status }),
        readiness: () => Promise.reject(new Error('not asked')),
        mayReadMetrics: () => false,
        metrics: () => Promise.reject(new Error('not asked')),
        service: 'test',
        version: '0',
        uptime: () => 0,
      },
    },
    (error, _request, reply) => reply.code(503).send(error instanceof Error ? error.message : 'failed'),
  );
  const waiting: ((text: string) => void)[] = [];
  app.get('/slow', () => new Promise<string>((resolve) => waiting.push(resolve)));
  app.get('/half', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-length': 10 });
    reply.raw.write('half');
  });
  app.get('/quick', () => 'quick');
  const url = `http://127.0.0.1:${await server.start()}`;
  onTestFinished(() => server.stop());
  const begun = (count: number) => vi.waitFor(() => expect(waiting).toHaveLength(count), patience);
  return { url, clock, served, waiting, begun };
}

test('what is late is answered 503, and counted once; what comes of it later is nothing', async () => {
  const { url, clock, served, waiting, begun } = await start();
  const late = exchange(url, request('GET', '/slow'));
  await begun(1);
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

test('each has its own time, wherever another has made room', async () => {
  const { url, clock, waiting, begun } = await start();
  const first = exchange(url, request('GET', '/slow'));
  await begun(1);
  const second = exchange(url, request('GET', '/slow'));
  await begun(2);
  clock.advance(6_000);
  waiting[0]?.('in time');
  expect(await first).toMatch(/^HTTP\/1\.1 200 /);
  // In the place of the first.
  const third = exchange(url, request('GET', '/slow'));
  await begun(3);
  clock.advance(5_000);
  expect(await second).toMatch(/^HTTP\/1\.1 503 /);
  waiting[2]?.('in time');
  expect(await third).toMatch(/^HTTP\/1\.1 200 /);
});

test('an answer that has begun is cut off', async () => {
  const { url, clock } = await start();
  const socket = await connectTo(url);
  const answer = readAll(socket);
  socket.write(request('GET', '/half'));
  await vi.waitFor(() => expect(socket.bytesRead).toBeGreaterThan(0), patience);
  clock.advance(11_000);
  expect(await answer).toMatch(/half$/);
});

test('whoever hung up is let go when the time is over, and with the last one the timer', async () => {
  const { url, clock, waiting, begun } = await start();
  expect(clock.pending).toBe(0);
  const socket = await connectTo(url);
  socket.write(request('GET', '/slow'));
  await begun(1);
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

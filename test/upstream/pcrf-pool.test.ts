// The PCRF's connections: how many, who waits, what is freed, and how it all ends.

import { createConnection, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createClient, failureOf, portOf, session } from './pcrf-client.ts';
import { httpAnswer, startRawServer } from './raw-server.ts';

const good = httpAnswer('{"success":true}');
const idOf = (request: string): string => /session=([^&]*)/.exec(request)?.[1] ?? '';
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...session, sessionId: `${index}` }));

/** A server that answers when the test says so. */
async function startHeldServer() {
  const held: { id: string; answer: () => void }[] = [];
  const server = await startRawServer((socket, request) => {
    held.push({ id: idOf(request), answer: () => void socket.write(good) });
  });
  return { ...server, held };
}

describe('waiting for a connection', () => {
  test('ends in UNAVAILABLE at its own limit, while the call before it may go on', async () => {
    const clock = createFakeClock();
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, clock, max: 1, timeoutMs: 10_000, waitTimeoutMs: 5_000 });
    const first = failureOf(pcrf.disconnect(session));
    const second = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    clock.advance(5_000);
    expect(await second).toEqual({
      code: 'UNAVAILABLE',
      message: 'all 1 PCRF connections are busy; try again in a moment',
    });
    clock.advance(5_000);
    expect((await first).code).toBe('TIMEOUT');
    expect(held).toHaveLength(1);
  });

  test('is not counted as time of the exchange', async () => {
    const clock = createFakeClock();
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, clock, max: 1, timeoutMs: 3_000, waitTimeoutMs: 5_000 });
    const first = failureOf(pcrf.disconnect(session));
    const second = pcrf.disconnect(session);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    clock.advance(3_000);
    await first;
    await vi.waitFor(() => expect(held).toHaveLength(2));
    clock.advance(2_999);
    held[1]?.answer();
    await second;
  });

  test('is first come, first served', async () => {
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, max: 1 });
    const calls = Promise.all(numbered(20).map((each) => pcrf.disconnect(each)));
    for (let index = 0; index < 20; index += 1) {
      await vi.waitFor(() => expect(held).toHaveLength(index + 1));
      held[index]?.answer();
    }
    await calls;
    expect(held.map(({ id }) => id)).toEqual(numbered(20).map(({ sessionId }) => sessionId));
  });

  test('is for 10,000 calls at most; one more is refused at once', async () => {
    const clock = createFakeClock();
    const { port, held } = await startHeldServer();
    const pcrf = createClient({ port, clock, max: 1 });
    const first = pcrf.disconnect(session);
    const waiting = Array.from({ length: 10_000 }, () => failureOf(pcrf.disconnect(session)));
    expect((await failureOf(pcrf.disconnect(session))).message).toMatch(/^all 1 PCRF connections are busy/);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = pcrf.close();
    expect(new Set((await Promise.all(waiting)).map(({ code }) => code))).toEqual(new Set(['UNAVAILABLE']));
    held[0]?.answer();
    await Promise.all([first, closed]);
  });
});

describe('a connection', () => {
  test('is used again after an answer, and never for two calls at once', async () => {
    const { port, held, accepted } = await startHeldServer();
    const pcrf = createClient({ port, max: 3 });
    const calls = numbered(9).map((each) => pcrf.disconnect(each));
    for (const upTo of [3, 6, 9]) {
      await vi.waitFor(() => expect(held).toHaveLength(upTo));
      await new Promise(setImmediate);
      expect(held).toHaveLength(upTo);
      for (const { answer } of held.slice(upTo - 3)) answer();
    }
    await Promise.all(calls);
    expect(accepted).toHaveLength(3);
  });

  test.each([
    ['never answers', ''],
    ['stops in the middle', 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{'],
  ])('whose server %s is closed at the limit', async (_case, start) => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(start));
    const pcrf = createClient({ port: server.port, clock, timeoutMs: 1_000 });
    const failure = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    clock.advance(1_000);
    expect((await failure).code).toBe('TIMEOUT');
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('that never opens is TIMEOUT at the limit, and the next call is not stuck behind it', async () => {
    const clock = createFakeClock();
    const port = await startDeafServer();
    const before = connecting();
    const pcrf = createClient({ port, clock, max: 1, timeoutMs: 1_000 });
    for (const _ of [1, 2]) {
      const failure = failureOf(pcrf.disconnect(session));
      await vi.waitFor(() => expect(connecting()).toBe(before + 1));
      clock.advance(1_000);
      expect((await failure).code).toBe('TIMEOUT');
      await vi.waitFor(() => expect(connecting()).toBe(before));
    }
  });
});

/** Connections of this process that are still being made. */
function connecting(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'ConnectWrap').length;
}

/** A server whose thread sleeps and whose backlog is full: what connects now hears nothing. */
async function startDeafServer(): Promise<number> {
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

describe('warm connections', () => {
  test('are open before the first call, which takes one', async () => {
    const server = await startRawServer((socket) => void socket.write(good));
    const pcrf = createClient({ port: server.port, min: 2, max: 3 });
    await vi.waitFor(() => expect(server.open.size).toBe(2));
    await pcrf.disconnect(session);
    expect(server.accepted).toHaveLength(2);
  });

  test('are as many as the pool has at most', async () => {
    const server = await startRawServer((socket) => void socket.write(good));
    const pcrf = createClient({ port: server.port, min: 9, max: 2 });
    await pcrf.disconnect(session);
    expect(server.accepted).toHaveLength(2);
  });

  test.each([
    ['ended', (socket: Socket) => void socket.end()],
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
    ['ended with a 408', (socket: Socket) => void socket.end(httpAnswer('', 408))],
  ])('that the server %s are opened again within 5 s', async (_case, end) => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(good));
    const pcrf = createClient({ port: server.port, clock, min: 2 });
    await vi.waitFor(() => expect(server.open.size).toBe(2));
    for (const socket of server.open) end(socket);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    await vi.waitFor(() => {
      clock.advance(5_000);
      expect(server.open.size).toBe(2);
    });
    await pcrf.disconnect(session);
  });

  test('to a dead PCRF are tried once a look, and it is logged at debug alone', async () => {
    const clock = createFakeClock();
    const stub = await startPcrfStub({ host: '127.0.0.1', port: 0 });
    await stub.close();
    const pcrf = createClient({ port: portOf(stub.url), clock, min: 1 });
    await vi.waitFor(() => expect(pcrf.log.lines).toHaveLength(1));
    clock.advance(4_999);
    await new Promise(setImmediate);
    expect(pcrf.log.lines).toHaveLength(1);
    clock.advance(1);
    await vi.waitFor(() => expect(pcrf.log.lines).toHaveLength(2));
    expect(pcrf.log.lines.every(({ level }) => level === 'debug')).toBe(true);
  });
});

describe('close', () => {
  test('lets running calls end, refuses waiting and later ones, and leaves nothing', async () => {
    const clock = createFakeClock();
    const { port, held, open } = await startHeldServer();
    const pcrf = createClient({ port, clock, min: 2, max: 1 });
    const running = pcrf.disconnect(session);
    const waiting = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = [pcrf.close(), pcrf.close()];
    const refusal = {
      code: 'UNAVAILABLE',
      message: 'the PCRF is not called any more: swob is shutting down',
    };
    expect(await waiting).toEqual(refusal);
    expect(await failureOf(pcrf.disconnect(session))).toEqual(refusal);
    expect(open.size).toBe(1);
    held[0]?.answer();
    await running;
    await Promise.all(closed);
    await pcrf.close();
    expect(clock.pending).toBe(0);
    await vi.waitFor(() => expect(open.size).toBe(0));
  });

  test('waits for a call that hangs no longer than its limit', async () => {
    const clock = createFakeClock();
    const { port, held, open } = await startHeldServer();
    const pcrf = createClient({ port, clock, timeoutMs: 1_000 });
    const running = failureOf(pcrf.disconnect(session));
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = pcrf.close();
    clock.advance(1_000);
    expect((await running).code).toBe('TIMEOUT');
    await closed;
    await vi.waitFor(() => expect(open.size).toBe(0));
  });

  test('ends warm connections that are still being made, and their timers', async () => {
    const clock = createFakeClock();
    const port = await startDeafServer();
    const before = connecting();
    const pcrf = createClient({ port, clock, min: 3 });
    await vi.waitFor(() => expect(connecting()).toBe(before + 3));
    await pcrf.close();
    expect(clock.pending).toBe(0);
    await vi.waitFor(() => expect(connecting()).toBe(before));
  });
});

test('1,000 calls at once at a slow, then dead, then living PCRF get right answers from one client', async () => {
  let timers = 0;
  const clock: Clock = {
    ...systemClock,
    after: (ms, fn) => {
      let over = false;
      const end = (): void => {
        if (!over) timers -= 1;
        over = true;
      };
      timers += 1;
      const cancel = systemClock.after(ms, () => {
        end();
        fn();
      });
      return () => {
        end();
        cancel();
      };
    },
  };
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const socketsBefore = sockets();
  const calls = numbered(1_000);
  const start = async (port: number) => {
    const stub = await startPcrfStub({ host: '127.0.0.1', port, sessions: calls });
    onTestFinished(() => stub.close());
    return stub;
  };
  const slow = await start(0);
  const port = portOf(slow.url);
  const pcrf = createClient({ port, clock, min: 1, max: 20, waitTimeoutMs: 20_000 });
  const callAll = () =>
    Promise.all(
      calls.map((each) =>
        pcrf.disconnect(each).then(
          () => 'success',
          (error: Error) => error.message,
        ),
      ),
    );

  slow.setBehaviour('slow', { ms: 5 });
  expect(new Set(await callAll())).toEqual(new Set(['success']));
  expect(new Set(slow.requests().map(({ query }) => query[0]?.[1]))).toHaveLength(1_000);

  slow.setBehaviour('hang');
  const interrupted = callAll();
  await vi.waitFor(() => expect(slow.requests()).toHaveLength(1_020));
  await slow.close();
  const reasons = await interrupted;
  expect(reasons).toHaveLength(1_000);
  const where = `the PCRF at 127.0.0.1:${port}`;
  expect(reasons.filter((reason) => !reason.startsWith(`${where} broke`))).toEqual(
    Array.from({ length: 980 }, () => `${where} is unreachable (ECONNREFUSED)`),
  );

  const alive = await start(port);
  expect(new Set(await callAll())).toEqual(new Set(['success']));
  expect(alive.requests()).toHaveLength(1_000);
  await pcrf.close();
  await alive.close();
  expect(timers).toBe(0);
  await vi.waitFor(() => expect(sockets()).toBe(socketsBefore));
});

// What the Publisher's client sends, and what it makes of each answer, of none, and of a server that misbehaves.

import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import type { Clock } from '../../src/domain/ports.ts';
import type { Publisher } from '../../src/domain/upstreams.ts';
import { createPublisher } from '../../src/upstream/publisher.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { startHostileServer } from './hostile-server.ts';
import { failureOf, portOf } from './pcrf-client.ts';
import { httpAnswer, startRawServer } from './raw-server.ts';

const msisdn = '+237650393369';
const message = 'g:bob@example.org:::Hello:I am well';
const good = httpAnswer('ok');

interface ClientOptions {
  readonly port: number;
  readonly host?: string;
  readonly endpoint?: string;
  readonly clock?: Clock;
  readonly timeoutMs?: number;
}

function createClient({ host = '127.0.0.1', endpoint = '/publish', ...options }: ClientOptions): Publisher {
  const { port, clock = systemClock, timeoutMs = 10_000 } = options;
  const publisher = createPublisher({ host, port, endpoint, timeoutMs, clock, log: createMemoryLog() });
  onTestFinished(() => publisher.close());
  return publisher;
}

const answering = async (answer: Buffer | string) => {
  const server = await startRawServer((socket) => void socket.write(answer));
  return { server, publisher: createClient({ port: server.port }) };
};

describe('the request', () => {
  test('is these bytes', async () => {
    const { server, publisher } = await answering(good);
    await publisher.publish('a1-b2', msisdn, 'g:ü👍 "q" \\ \n</script>');
    const body = '{"MSISDN":"+237650393369","message":"g:ü👍 \\"q\\" \\\\ \\n</script>"}';
    expect(server.requests).toEqual([
      [
        'POST /publish HTTP/1.1',
        `host: 127.0.0.1:${server.port}`,
        'connection: keep-alive',
        'content-type: application/json',
        'idempotency-key: a1-b2',
        `content-length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
    ]);
  });

  test('carries any text as it is', async () => {
    const server = await startHostileServer({ 'POST /publish': (response) => void response.end() });
    const publisher = createClient({ port: portOf(server.url) });
    const text = fc.string({ unit: 'binary' });
    await fc.assert(
      fc.asyncProperty(text, text, async (from, content) => {
        await publisher.publish('1', from, content);
        expect(JSON.parse(server.requests.at(-1)?.body ?? '')).toEqual({ MSISDN: from, message: content });
      }),
    );
  });

  test('carries a message of a megabyte', async () => {
    const server = await startHostileServer({ 'POST /publish': (response) => void response.end() });
    const large = 'ñ'.repeat(1024 * 1024);
    await createClient({ port: portOf(server.url) }).publish('1', msisdn, large);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ MSISDN: msisdn, message: large });
  });

  test('goes to an IPv6 host, and to a path with a query', async () => {
    const server = await startRawServer((socket) => void socket.write(good), '::1');
    await createClient({ host: '::1', port: server.port, endpoint: '/a/b?c=d' }).publish('1', msisdn, 'x');
    expect(server.requests[0]).toContain(`POST /a/b?c=d HTTP/1.1\r\nhost: [::1]:${server.port}\r\n`);
  });
});

describe('published is', () => {
  test.each([200, 201, 202, 204])('what was answered %d', async (status) => {
    const { publisher } = await answering(httpAnswer('', status));
    await expect(publisher.publish('1', msisdn, message)).resolves.toBeUndefined();
  });

  test.each([
    ['is over 64 KiB', httpAnswer('x'.repeat(65_537))],
    ['is damaged', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['comes after a 103', `HTTP/1.1 103 Early Hints\r\n\r\n${good}`],
  ])('what was answered 200, when the answer %s', async (_case, answer) => {
    const { publisher } = await answering(answer);
    await expect(publisher.publish('1', msisdn, message)).resolves.toBeUndefined();
  });

  test('what was answered 200, when the connection ends in the middle of it', async () => {
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{';
    const server = await startRawServer((socket) => void socket.end(half));
    await createClient({ port: server.port }).publish('1', msisdn, message);
    expect(server.requests).toHaveLength(1);
  });

  test('what was answered 200, when the rest does not come in time; the connection is dropped', async () => {
    const clock = createFakeClock();
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{';
    const server = await startRawServer((socket) => void socket.write(half));
    const done = createClient({ port: server.port, clock, timeoutMs: 1_000 }).publish('1', msisdn, message);
    await vi.waitFor(() => {
      clock.advance(100);
      expect(server.accepted[0]?.destroyed).toBe(true);
    });
    await done;
  });

  test('what was answered 200 with a body that never ends, of which little is read', async () => {
    let socket: Socket | undefined;
    const server = await startRawServer((taken) => {
      socket = taken;
      const more = (): void => {
        while (!taken.destroyed && taken.write('x'.repeat(65_536)));
      };
      taken.write('HTTP/1.1 200 OK\r\n\r\n');
      taken.on('drain', more);
      more();
    });
    await createClient({ port: server.port }).publish('1', msisdn, message);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    // What the kernel takes in for both ends, and no more.
    expect(socket?.bytesWritten).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('worth trying again is', () => {
  test.each([
    301, 302, 303, 304, 307, 308, 401, 403, 404, 405, 408, 415, 425, 429, 451, 500, 501, 502, 503, 504, 599,
  ])('status %d', async (status) => {
    const other = await startHostileServer({});
    const answer = httpAnswer('why', status, [`Location: ${other.url}/publish`]);
    const { server, publisher } = await answering(status === 304 ? httpAnswer('', status) : answer);
    expect(await failureOf(publisher.publish('1', msisdn, message))).toEqual({
      code: 'UNAVAILABLE',
      message: `the Publisher at 127.0.0.1:${server.port} answered ${status}`,
    });
    expect(server.requests).toHaveLength(1);
    expect(other.requests).toEqual([]);
  });

  test.each([
    ['nonsense instead of HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
    ['an upgrade', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ])('%s; the connection is dropped', async (_case, answer) => {
    const { server, publisher } = await answering(answer);
    expect(await failureOf(publisher.publish('1', msisdn, message))).toEqual({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(`^the Publisher at 127\\.0\\.0\\.1:${server.port} broke its answer off \\(\\w+\\)$`),
      ),
    });
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('a connection that ends before the answer; the message is not sent again', async () => {
    const server = await startRawServer((socket) => void socket.destroy());
    const publisher = createClient({ port: server.port });
    expect(await failureOf(publisher.publish('1', msisdn, message))).toMatchObject({ code: 'UNAVAILABLE' });
    await publisher.close();
    expect(server.requests).toHaveLength(1);
  });

  test('a connection that ends after a 103, which is no answer yet', async () => {
    const server = await startRawServer((socket) => void socket.end('HTTP/1.1 103 Early Hints\r\n\r\n'));
    const publisher = createClient({ port: server.port });
    expect((await failureOf(publisher.publish('1', msisdn, message))).message).toContain(
      'broke its answer off',
    );
  });

  test.each([
    ['silence', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('%s until the limit, not before', async (_case, start) => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(start));
    const publisher = createClient({ port: server.port, clock });
    let settled = false;
    const failure = failureOf(publisher.publish('1', msisdn, message)).finally(() => {
      settled = true;
    });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    clock.advance(9_999);
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await failure).toEqual({
      code: 'UNAVAILABLE',
      message: `the Publisher at 127.0.0.1:${server.port} did not answer within 10000 ms`,
    });
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('nobody at the port, and a host without address', async () => {
    const port = await freePort();
    expect(await failureOf(createClient({ port }).publish('1', msisdn, message))).toEqual({
      code: 'UNAVAILABLE',
      message: `the Publisher at 127.0.0.1:${port} is unreachable (ECONNREFUSED)`,
    });
    const nowhere = createClient({ host: 'publisher.invalid', port });
    expect((await failureOf(nowhere.publish('1', msisdn, message))).code).toBe('UNAVAILABLE');
  });
});

test.each([400, 413, 422])(
  'refused for good is status %d, without a word of message, number or answer',
  async (status) => {
    const { server, publisher } = await answering(httpAnswer(`no ${msisdn} ${message}`, status));
    expect(await failureOf(publisher.publish('1', msisdn, message))).toEqual({
      code: 'UPSTREAM',
      message: `the Publisher at 127.0.0.1:${server.port} answered ${status}`,
    });
  },
);

describe('connections', () => {
  test('are at most 64; one message more waits, for 5 s at most', async () => {
    const clock = createFakeClock();
    const held: Socket[] = [];
    const server = await startRawServer((socket) => void held.push(socket));
    const publisher = createClient({ port: server.port, clock });
    const all = Array.from({ length: 65 }, () => publisher.publish('1', msisdn, message));
    await vi.waitFor(() => expect(held).toHaveLength(64));
    held[0]?.write(good);
    await all[0];
    await vi.waitFor(() => expect(held).toHaveLength(65));
    const late = failureOf(publisher.publish('1', msisdn, message));
    clock.advance(5_000);
    expect(await late).toEqual({
      code: 'UNAVAILABLE',
      message: 'all 64 Publisher connections are busy; try again in a moment',
    });
    for (const socket of held.slice(1)) socket.write(good);
    await Promise.all(all);
    expect(server.accepted).toHaveLength(64);
    expect(server.requests).toHaveLength(65);
  });

  test('serve one message after the other', async () => {
    const { server, publisher } = await answering(good);
    for (let count = 0; count < 5; count += 1) await publisher.publish('1', msisdn, message);
    expect(server.accepted).toHaveLength(1);
  });

  test.each([
    ['ends after its answer', (socket: Socket) => void socket.end()],
    ['resets after its answer', (socket: Socket) => void socket.resetAndDestroy()],
  ])('that the server %s cost no message, nor is one sent twice', async (_case, end) => {
    const { server, publisher } = await answering(good);
    for (let count = 1; count <= 20; count += 1) {
      await publisher.publish('1', msisdn, message);
      for (const socket of server.open) end(socket);
      await vi.waitFor(() => expect(server.open.size).toBe(0));
    }
    expect(server.requests).toHaveLength(20);
    expect(server.accepted).toHaveLength(20);
  });

  test('end with close(): a running message has its answer, a later one is refused', async () => {
    const clock = createFakeClock();
    const held: Socket[] = [];
    const server = await startRawServer((socket) => void held.push(socket));
    const publisher = createClient({ port: server.port, clock });
    const running = publisher.publish('1', msisdn, message);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = publisher.close();
    expect(await failureOf(publisher.publish('2', msisdn, message))).toEqual({
      code: 'UNAVAILABLE',
      message: 'the Publisher is not called any more: swob is shutting down',
    });
    held[0]?.write(good);
    await Promise.all([running, closed]);
    expect(clock.pending).toBe(0);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });
});

// How the Publisher client classifies each response, no response, and a server that misbehaves.

import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { createFakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/ports.ts';
import { startHostileServer } from './hostile-server.ts';
import { createClient, good, message, msisdn, publish, respondingWith } from './publisher-client.ts';
import { httpResponse, startRawServer } from './raw-server.ts';

describe('published is', () => {
  test.each([200, 201, 202, 204])('a message with status %d', async (status) => {
    const { publisher } = await respondingWith(httpResponse('', status));
    await expect(publish(publisher, '1', msisdn, message)).resolves.toEqual({ kind: 'published' });
  });

  test.each([
    ['is over 64 KiB', httpResponse('x'.repeat(65_537))],
    ['is damaged', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
    ['comes after a 103', `HTTP/1.1 103 Early Hints\r\n\r\n${good}`],
  ])('what was answered 200, when the answer %s', async (_case, response) => {
    const { publisher } = await respondingWith(response);
    await expect(publish(publisher, '1', msisdn, message)).resolves.toEqual({ kind: 'published' });
  });

  test('a message with status 200 whose connection ends during the response', async () => {
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{';
    const server = await startRawServer((socket) => void socket.end(half));
    await publish(createClient({ port: server.port }), '1', msisdn, message);
    expect(server.requests).toHaveLength(1);
  });

  test('a message with status 200 whose response does not complete in time; the connection is dropped', async () => {
    const clock = createFakeClock();
    const half = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{';
    const server = await startRawServer((socket) => void socket.write(half));
    const done = publish(createClient({ port: server.port, clock, timeoutMs: 1_000 }), '1', msisdn, message);
    await vi.waitFor(() => {
      clock.advance(100);
      expect(server.accepted[0]?.destroyed).toBe(true);
    });
    await done;
  });

  test('a message with status 200 and an endless body, of which little is read', async () => {
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
    await publish(createClient({ port: server.port }), '1', msisdn, message);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    // Only what the kernel buffers at both ends.
    expect(socket?.bytesWritten).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('a message that was not published is classified by its possible outcome:', () => {
  test.each([
    301, 302, 303, 304, 307, 308, 401, 403, 404, 405, 408, 415, 425, 429, 451, 500, 501, 502, 503, 504, 599,
  ])('status %d', async (status) => {
    const other = await startHostileServer({});
    const response = httpResponse('why', status, [`Location: ${other.url}/publish`]);
    const { server, publisher } = await respondingWith(status === 304 ? httpResponse('', status) : response);
    expect(await publish(publisher, '1', msisdn, message)).toEqual({
      kind: status >= 500 ? 'failed' : 'refused',
      reason: `the Publisher at 127.0.0.1:${server.port} answered ${status}`,
    });
    expect(server.requests).toHaveLength(1);
    expect(other.requests).toEqual([]);
  });

  test.each([
    ['nonsense instead of HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
    ['an upgrade', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
  ])('%s; the connection is dropped', async (_case, response) => {
    const { server, publisher } = await respondingWith(response);
    expect(await publish(publisher, '1', msisdn, message)).toEqual({
      kind: 'unknown',
      reason: expect.stringMatching(
        new RegExp(
          `^the Publisher at 127\\.0\\.0\\.1:${server.port} closed the connection during its response \\(\\w+\\)$`,
        ),
      ),
    });
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('a connection that ends before the response; the message is not sent again', async () => {
    const server = await startRawServer((socket) => void socket.destroy());
    const publisher = createClient({ port: server.port });
    expect(await publish(publisher, '1', msisdn, message)).toMatchObject({ kind: 'unknown' });
    await publisher.close();
    expect(server.requests).toHaveLength(1);
  });

  test('a connection that ends after a 103, which is not yet a response', async () => {
    const server = await startRawServer((socket) => void socket.end('HTTP/1.1 103 Early Hints\r\n\r\n'));
    const publisher = createClient({ port: server.port });
    expect(await publish(publisher, '1', msisdn, message)).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('closed the connection during its response'),
    });
  });

  test.each([
    ['silence', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('%s until the limit, not before', async (_case, start) => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(start));
    const publisher = createClient({ port: server.port, clock });
    let settled = false;
    const failure = publish(publisher, '1', msisdn, message).finally(() => {
      settled = true;
    });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    clock.advance(9_999);
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await failure).toEqual({
      kind: 'unknown',
      reason: `the Publisher at 127.0.0.1:${server.port} did not answer within 10000 ms`,
    });
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });

  test('a port without a server, and a host name without an address', async () => {
    const port = await freePort();
    expect(await publish(createClient({ port }), '1', msisdn, message)).toEqual({
      kind: 'not sent',
      reason: `the Publisher at 127.0.0.1:${port} is unreachable (ECONNREFUSED)`,
    });
    const nowhere = createClient({ host: 'publisher.invalid', port });
    expect(await publish(nowhere, '1', msisdn, message)).toMatchObject({ kind: 'not sent' });
  });
});

test.each([400, 413, 422])(
  'status %d refuses a message permanently; the reason quotes neither message, number nor response',
  async (status) => {
    const { server, publisher } = await respondingWith(httpResponse(`no ${msisdn} ${message}`, status));
    expect(await publish(publisher, '1', msisdn, message)).toEqual({
      kind: 'rejected',
      reason: `the Publisher at 127.0.0.1:${server.port} answered ${status}`,
    });
  },
);

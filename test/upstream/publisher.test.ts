// What the Publisher client sends, when it records an attempt, and how it uses its connections.

import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createDeadline } from '../../src/lib/deadline.ts';
import { anyText } from '../support/any-text.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/ports.ts';
import { startHostileServer } from './hostile-server.ts';
import { portOf } from './pcrf-client.ts';
import { createClient, good, message, msisdn, publish, respondingWith } from './publisher-client.ts';
import { startRawServer } from './raw-server.ts';

describe('the request', () => {
  test('is exactly these bytes', async () => {
    const { server, publisher } = await respondingWith(good);
    await publish(publisher, 'a1-b2', msisdn, 'g:ü👍 "q" \\ \n</script>');
    const body = '{"MSISDN":"+237650393369","message":"g:ü👍 \\"q\\" \\\\ \\n</script>"}';
    expect(server.requests).toEqual([
      [
        'POST /publish HTTP/1.1',
        `host: 127.0.0.1:${server.port}`,
        'connection: keep-alive',
        'content-type: application/json',
        'user-agent: swob',
        'idempotency-key: a1-b2',
        `content-length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
    ]);
  });

  test('carries any text unchanged', async () => {
    const server = await startHostileServer({ 'POST /publish': (response) => void response.end() });
    const publisher = createClient({ port: portOf(server.url) });
    const text = anyText();
    await fc.assert(
      fc.asyncProperty(text, text, async (from, content) => {
        await publish(publisher, '1', from, content);
        expect(JSON.parse(server.requests.at(-1)?.body ?? '')).toEqual({ MSISDN: from, message: content });
      }),
    );
  });

  test('carries a message of a megabyte', async () => {
    const server = await startHostileServer({ 'POST /publish': (response) => void response.end() });
    const large = 'ñ'.repeat(1024 * 1024);
    await publish(createClient({ port: portOf(server.url) }), '1', msisdn, large);
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ MSISDN: msisdn, message: large });
  });

  test('goes to an IPv6 host, and to a path with a query', async () => {
    const server = await startRawServer((socket) => void socket.write(good), '::1');
    await publish(createClient({ host: '::1', port: server.port, endpoint: '/a/b?c=d' }), '1', msisdn, 'x');
    expect(server.requests[0]).toContain(`POST /a/b?c=d HTTP/1.1\r\nhost: [::1]:${server.port}\r\n`);
  });
});

describe('an attempt', () => {
  test('is recorded once there is a connection, before any byte is sent', async () => {
    const { server, publisher } = await respondingWith(good);
    const received: (number | undefined)[] = [];
    const delivery = await publisher.publish('1', msisdn, message, async () => {
      await vi.waitFor(() => expect(server.accepted).toHaveLength(1));
      // Bytes that had been sent by now would arrive before those of a connection made later.
      await fetch(`http://127.0.0.1:${server.port}/later`);
      received.push(server.accepted[0]?.bytesRead);
    });
    expect([delivery, received]).toEqual([{ kind: 'published' }, [0]]);
  });

  test('that cannot be recorded is not made, and does not count against the Publisher', async () => {
    const { server, publisher } = await respondingWith(good);
    const full = new Error('disk full');
    await expect(publisher.publish('1', msisdn, message, () => Promise.reject(full))).rejects.toBe(full);
    expect(await publish(publisher, '2', msisdn, message)).toEqual({ kind: 'published' });
    expect(server.requests).toHaveLength(1);
  });

  test('is not recorded when the connection is refused', async () => {
    const beforeSend = vi.fn(async () => {});
    const publisher = createClient({ port: await freePort() });
    expect((await publisher.publish('1', msisdn, message, beforeSend)).kind).toBe('not sent');
    expect(beforeSend).not.toHaveBeenCalled();
  });

  test('on a connection that ends meanwhile counts as not sent, and is repeated once on another one', async () => {
    let connections = 0;
    const server = await startRawServer((socket) => void socket.write(good));
    const publisher = createClient({ port: server.port });
    const delivery = await publisher.publish('1', msisdn, message, async () => {
      connections++;
      if (connections > 1) return;
      for (const socket of server.open) socket.destroy();
      await vi.waitFor(() => expect(server.open.size).toBe(0));
      await new Promise(setImmediate);
    });
    expect([delivery, connections, server.requests.length]).toEqual([{ kind: 'published' }, 2, 1]);
  });

  test('on an open connection is recorded before any byte is sent, too', async () => {
    const { server, publisher } = await respondingWith(good);
    await publish(publisher, '1', msisdn, message);
    const sizes: (number | undefined)[] = [server.accepted[0]?.bytesRead];
    const delivery = await publisher.publish('2', msisdn, message, async () => {
      await fetch(`http://127.0.0.1:${server.port}/later`);
      sizes.push(server.accepted[0]?.bytesRead);
    });
    expect([delivery, sizes[0]]).toEqual([{ kind: 'published' }, sizes[1]]);
    expect(server.accepted).toHaveLength(2);
  });

  test('on an open connection that is recorded too late is not made', async () => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(good));
    const publisher = createClient({ port: server.port, clock, timeoutMs: 120_000 });
    await publish(publisher, '1', msisdn, message);
    let record = (): void => {};
    const delivery = publisher.publish(
      '2',
      msisdn,
      message,
      () =>
        new Promise((resolve) => {
          record = resolve;
        }),
    );
    await Promise.resolve();
    clock.advance(10_000);
    expect((await delivery).kind).toBe('not sent');
    record();
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    expect(server.requests).toHaveLength(1);
  });

  test('whose request cannot be sent within 10 s counts as not sent, whatever the response timeout', async () => {
    const clock = createFakeClock();
    const server = await startRawServer((socket) => void socket.write(good));
    const publisher = createClient({ port: server.port, clock, timeoutMs: 120_000 });
    const never = new Promise<void>(() => {});
    const delivery = publisher.publish('1', msisdn, message, () => never);
    await vi.waitFor(() => expect(server.accepted).toHaveLength(1));
    clock.advance(10_000);
    expect(await delivery).toEqual({
      kind: 'not sent',
      reason: `the Publisher at 127.0.0.1:${server.port} did not take the request within 10000 ms`,
    });
    expect(server.requests).toEqual([]);
  });
});

describe('connections', () => {
  test('are at most 64; one more message waits, for at most 5 s', async () => {
    const clock = createFakeClock();
    const held: Socket[] = [];
    const server = await startRawServer((socket) => void held.push(socket));
    const publisher = createClient({ port: server.port, clock });
    const all = Array.from({ length: 65 }, () => publish(publisher, '1', msisdn, message));
    await vi.waitFor(() => expect(held).toHaveLength(64));
    held[0]?.write(good);
    await all[0];
    await vi.waitFor(() => expect(held).toHaveLength(65));
    const late = publish(publisher, '1', msisdn, message);
    clock.advance(5_000);
    expect(await late).toEqual({
      kind: 'not sent',
      reason: 'all 64 Publisher connections are busy; try again in a moment',
    });
    for (const socket of held.slice(1)) socket.write(good);
    await Promise.all(all);
    expect(server.accepted).toHaveLength(64);
    expect(server.requests).toHaveLength(65);
  });

  test('are reused by consecutive messages', async () => {
    const { server, publisher } = await respondingWith(good);
    for (let count = 0; count < 5; count += 1) await publish(publisher, '1', msisdn, message);
    expect(server.accepted).toHaveLength(1);
  });

  test.each([
    ['ends after its answer', (socket: Socket) => void socket.end()],
    ['resets after its answer', (socket: Socket) => void socket.resetAndDestroy()],
  ])('that the server %s cost no message, nor is one sent twice', async (_case, end) => {
    const { server, publisher } = await respondingWith(good);
    for (let count = 1; count <= 20; count += 1) {
      await publish(publisher, '1', msisdn, message);
      for (const socket of server.open) end(socket);
      await vi.waitFor(() => expect(server.open.size).toBe(0));
      // The client learns of a reset when the event loop polls next; a request written before has an unknown outcome.
      await new Promise(setImmediate);
    }
    expect(server.requests).toHaveLength(20);
    expect(server.accepted).toHaveLength(20);
  });

  test.each([
    ['closes', (socket: Socket) => void socket.destroy()],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ])('that the server %s while a message is about to be sent cost no message', async (_case, end) => {
    const { server, publisher } = await respondingWith(good);
    for (let count = 1; count <= 20; count += 1) {
      // Without a turn of the event loop between both, so that the client has not noticed the end.
      for (const socket of server.open) end(socket);
      expect(await publish(publisher, '1', msisdn, message)).toEqual({ kind: 'published' });
    }
    expect(server.requests).toHaveLength(20);
  });

  test('end with close(): a running message gets its response, a later one is rejected', async () => {
    const clock = createFakeClock();
    const held: Socket[] = [];
    const server = await startRawServer((socket) => void held.push(socket));
    const publisher = createClient({ port: server.port, clock });
    const running = publish(publisher, '1', msisdn, message);
    await vi.waitFor(() => expect(held).toHaveLength(1));
    const closed = publisher.close(createDeadline(clock, 1_000));
    expect(await publish(publisher, '2', msisdn, message)).toEqual({
      kind: 'not sent',
      reason: 'the Publisher is no longer called: swob is shutting down',
    });
    held[0]?.write(good);
    await Promise.all([running, closed]);
    expect(clock.pending).toBe(0);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
  });
});

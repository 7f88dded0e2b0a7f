// What a callback sends to a developer, and the outcome of each response. Its targets: callback-targets.test.ts.

import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/ports.ts';
import { body, catchConnections, createSender, startHook } from './callback-client.ts';
import { failureOf } from './pcrf-client.ts';

const delivered = { kind: 'delivered' };

describe('a callback', () => {
  test('is the unchanged JSON, with the headers of the convention', async () => {
    const server = await startHook();
    const clock = createFakeClock(1_648_206_122_814);
    const sender = createSender({ allow: ['127.0.0.1'], secret: 'hunter2', clock });
    expect(await sender.send('c-1', { url: `${server.url}/hook?a=b#c`, body })).toEqual(delivered);
    expect(server.requests).toEqual([
      {
        method: 'POST',
        path: '/hook?a=b',
        body,
        headers: {
          host: new URL(server.url).host,
          connection: 'close',
          accept: '*/*',
          'user-agent': 'swob',
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(body)),
          'webhook-id': 'c-1',
          'webhook-timestamp': '1648206122',
          'webhook-signature': signWebhook('hunter2', 'c-1', 1_648_206_122, body),
        },
      },
    ]);
    expect(clock.pending).toBe(0);
  });

  test('is not signed without a secret', async () => {
    const server = await startHook();
    expect(
      await createSender({ allow: ['127.0.0.1'] }).send('1', { url: `${server.url}/hook`, body }),
    ).toEqual(delivered);
    expect(server.requests[0]?.headers).not.toHaveProperty('webhook-signature');
  });

  test('cannot be signed with an invalid secret: CONFIG at start', () => {
    expect(() => createSender({ secret: 'whsec_' })).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });

  test.each([200, 201, 202, 204, 299])('is delivered when the status is %d', async (status) => {
    const server = await startHook((response) => void response.writeHead(status).end());
    expect(
      await createSender({ allow: ['127.0.0.1'] }).send('1', { url: `${server.url}/hook`, body }),
    ).toEqual(delivered);
  });

  test('is delivered by the status alone: the body of the response is dropped', async () => {
    let closed = false;
    const server = await startHook((response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-encoding': 'gzip' }).write('x'.repeat(100_000));
    });
    expect(
      await createSender({ allow: ['127.0.0.1'] }).send('1', { url: `${server.url}/hook`, body }),
    ).toEqual(delivered);
    await vi.waitFor(() => expect(closed).toBe(true));
  });
});

describe('a reason to retry (failed) is', () => {
  test.each([301, 302, 303, 307, 308, 304, 400, 401, 404, 410, 429, 500, 503])(
    'status %d; no redirect is followed',
    async (status) => {
      const other = await startHook();
      const server = await startHook(
        (response) => void response.writeHead(status, { location: `${other.url}/hook` }).end(),
      );
      const sender = createSender({ allow: ['127.0.0.1'] });
      expect(await failureOf(sender.send('1', { url: `${server.url}/hook?key=hunter2`, body }))).toEqual({
        kind: 'failed',
        reason: `the callback to ${server.url} failed with status ${status}`,
      });
      expect(server.requests).toHaveLength(1);
      expect(other.requests).toEqual([]);
    },
  );

  test.each<[string, (response: ServerResponse) => void]>([
    ['no answer', () => undefined],
    ['half a head', (response) => void response.socket?.write('HTTP/1.1 200 OK\r\nX: ')],
  ])('%s within 10 s; the connection is dropped', async (_case, handler) => {
    const clock = createFakeClock();
    let socket: unknown;
    const server = await startHook((response) => {
      socket = response.socket;
      handler(response);
    });
    const sender = createSender({ allow: ['127.0.0.1'], clock });
    let settled = false;
    const failure = failureOf(sender.send('1', { url: `${server.url}/hook`, body })).finally(() => {
      settled = true;
    });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    clock.advance(9_999);
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    clock.advance(1);
    expect(await failure).toEqual({
      kind: 'failed',
      reason: `the callback to ${server.url} was not answered within 10000 ms`,
    });
    await vi.waitFor(() => expect(socket).toMatchObject({ destroyed: true }));
  });

  test('a name lookup that takes over 10 s; nothing is called when it completes', async () => {
    const clock = createFakeClock();
    const targets = catchConnections();
    let find = (_found: { address: string; family: number }[]): void => undefined;
    const lookup = () =>
      new Promise<{ address: string; family: number }[]>((resolve) => {
        find = resolve;
      });
    const failure = failureOf(
      createSender({ clock, lookup }).send('1', { url: 'http://slow.example/', body }),
    );
    clock.advance(10_000);
    expect((await failure).reason).toBe(
      'the callback to http://slow.example was not answered within 10000 ms',
    );
    find([{ address: '8.8.8.8', family: 4 }]);
    await new Promise(setImmediate);
    expect(targets).toEqual([]);
  });

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['the end of the connection', (response) => void response.socket?.destroy(), /failed: .*UND_ERR_SOCKET/],
    [
      'no HTTP',
      (response) => void response.socket?.end('SSH-2.0-hunter2\r\n'),
      /failed: .*\(HTTPParserError\)/,
    ],
    [
      'headers over the limit',
      (response) => void response.writeHead(200, { x: 'x'.repeat(99_999) }).end(),
      /OVERFLOW/,
    ],
  ])('%s', async (_case, handler, reason) => {
    const server = await startHook(handler);
    const sender = createSender({ allow: ['127.0.0.1'] });
    const failure = await failureOf(sender.send('1', { url: `${server.url}/hook`, body }));
    expect(failure).toEqual({ kind: 'failed', reason: expect.stringMatching(reason) });
    expect(failure.reason).not.toContain('hunter2');
  });

  test('a port without a server, and the URL is not quoted', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const sender = createSender({ allow: ['127.0.0.1'] });
    expect(await failureOf(sender.send('1', { url: `${url}/hunter2?hunter2`, body }))).toEqual({
      kind: 'failed',
      reason: `the callback to ${url} failed: no valid response (ECONNREFUSED)`,
    });
  });

  test('a name without an address', async () => {
    const sender = createSender({
      lookup: () => Promise.reject(Object.assign(new Error('hunter2'), { code: 'ENOTFOUND' })),
    });
    expect(await failureOf(sender.send('1', { url: 'https://gone.example/', body }))).toEqual({
      kind: 'failed',
      reason: 'the callback to https://gone.example failed: no valid response (ENOTFOUND)',
    });
  });

  test('https to a server without TLS', async () => {
    const server = await startHook();
    const url = `${server.url.replace('http:', 'https:')}/hook`;
    expect((await failureOf(createSender({ allow: ['127.0.0.1'] }).send('1', { url, body }))).kind).toBe(
      'failed',
    );
    expect(server.requests).toEqual([]);
  });
});

// What a developer is sent, and what becomes of each answer. Whom it is sent to: callback-targets.test.ts.

import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/ports.ts';
import { body, catchConnections, createSender, startHook } from './callback-client.ts';
import { failureOf } from './pcrf-client.ts';

describe('a callback', () => {
  test('is the JSON as it is, with the headers of the convention', async () => {
    const server = await startHook();
    const clock = createFakeClock(1_648_206_122_814);
    const sender = createSender({ allow: ['127.0.0.1'], secret: 'hunter2', clock });
    await sender.send('c-1', { url: `${server.url}/hook?a=b#c`, body });
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
    await createSender({ allow: ['127.0.0.1'] }).send('1', { url: `${server.url}/hook`, body });
    expect(server.requests[0]?.headers).not.toHaveProperty('webhook-signature');
  });

  test('cannot be signed with a secret that is none: CONFIG at the start', () => {
    expect(() => createSender({ secret: 'whsec_' })).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  });

  test.each([200, 201, 202, 204, 299])('is delivered when it is answered %d', async (status) => {
    const server = await startHook((response) => void response.writeHead(status).end());
    await createSender({ allow: ['127.0.0.1'] }).send('1', { url: `${server.url}/hook`, body });
  });

  test('is delivered by the status alone: the body of an answer is dropped', async () => {
    let closed = false;
    const server = await startHook((response) => {
      response.on('close', () => {
        closed = true;
      });
      response.writeHead(200, { 'content-encoding': 'gzip' }).write('x'.repeat(100_000));
    });
    await createSender({ allow: ['127.0.0.1'] }).send('1', { url: `${server.url}/hook`, body });
    await vi.waitFor(() => expect(closed).toBe(true));
  });
});

describe('worth trying again (UPSTREAM) is', () => {
  test.each([301, 302, 303, 307, 308, 304, 400, 401, 404, 410, 429, 500, 503])(
    'status %d; no redirect is followed',
    async (status) => {
      const other = await startHook();
      const server = await startHook(
        (response) => void response.writeHead(status, { location: `${other.url}/hook` }).end(),
      );
      const sender = createSender({ allow: ['127.0.0.1'] });
      expect(await failureOf(sender.send('1', { url: `${server.url}/hook?key=hunter2`, body }))).toEqual({
        code: 'UPSTREAM',
        message: `the callback to ${server.url} was answered ${status}`,
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
      code: 'UPSTREAM',
      message: `the callback to ${server.url} was not answered within 10000 ms`,
    });
    await vi.waitFor(() => expect(socket).toMatchObject({ destroyed: true }));
  });

  test('a name that is still being looked up after 10 s; nothing is called when it is found', async () => {
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
    expect((await failure).message).toBe(
      'the callback to http://slow.example was not answered within 10000 ms',
    );
    find([{ address: '8.8.8.8', family: 4 }]);
    await new Promise(setImmediate);
    expect(targets).toEqual([]);
  });

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['the end of the connection', (response) => void response.socket?.destroy(), /failed: .*ECONNRESET/],
    ['no HTTP', (response) => void response.socket?.end('SSH-2.0-hunter2\r\n'), /failed: .*\(HPE_/],
    [
      'headers over the limit',
      (response) => void response.writeHead(200, { x: 'x'.repeat(99_999) }).end(),
      /OVERFLOW/,
    ],
  ])('%s', async (_case, handler, reason) => {
    const server = await startHook(handler);
    const sender = createSender({ allow: ['127.0.0.1'] });
    const { code, message } = await failureOf(sender.send('1', { url: `${server.url}/hook`, body }));
    expect({ code, message }).toEqual({ code: 'UPSTREAM', message: expect.stringMatching(reason) });
    expect(message).not.toContain('hunter2');
  });

  test('nobody at the port, and the URL is not quoted', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const sender = createSender({ allow: ['127.0.0.1'] });
    expect(await failureOf(sender.send('1', { url: `${url}/hunter2?hunter2`, body }))).toEqual({
      code: 'UPSTREAM',
      message: `the callback to ${url} failed: no usable answer (ECONNREFUSED)`,
    });
  });

  test('a name without address', async () => {
    const sender = createSender({
      lookup: () => Promise.reject(Object.assign(new Error('hunter2'), { code: 'ENOTFOUND' })),
    });
    expect(await failureOf(sender.send('1', { url: 'https://gone.example/', body }))).toEqual({
      code: 'UPSTREAM',
      message: 'the callback to https://gone.example failed: no usable answer (ENOTFOUND)',
    });
  });

  test('https to what speaks no TLS', async () => {
    const server = await startHook();
    const url = `${server.url.replace('http:', 'https:')}/hook`;
    expect((await failureOf(createSender({ allow: ['127.0.0.1'] }).send('1', { url, body }))).code).toBe(
      'UPSTREAM',
    );
    expect(server.requests).toEqual([]);
  });
});

// Services whose host name has two addresses: what holds for the connections of one holds for those of the other.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDeadline } from '../../src/lib/deadline.ts';
import { connectTo, readAll, request } from '../hostile/raw.ts';
import { makeCertificate, peerOf } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createTestServer } from '../support/http-server.ts';
import { needs } from '../support/needs.ts';
import { get, openSession } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';
import { giveLocalhostTwoAddresses, urlsOf } from '../support/two-addresses.ts';

beforeEach((context) => {
  needs(context, { ipv6: true });
  giveLocalhostTwoAddresses();
});

const onLocalhost = ['api.host=localhost', 'websocket.host=localhost'];

test('gateway and sync listen on both, and the URLs for clients name the host', async () => {
  const { gateway, sync } = await startTestServices({ set: onLocalhost });
  expect([gateway, sync]).toEqual([
    expect.stringContaining('http://localhost:'),
    expect.stringContaining('ws://localhost:'),
  ]);
  for (const url of urlsOf(gateway)) {
    expect(await get(`${url}/livez`)).toMatchObject({ status: 200 });
    const session = await openSession(url, 'alice');
    expect(session).toContain(`${sync}/v2/sync/init/alice/`);
    for (const socketUrl of urlsOf(session)) {
      const user = socketUrl.replace('/alice/', '/bob/');
      const socket = await openSocket(user);
      expect(JSON.parse(await socket.next())).toMatchObject({
        qr_url: expect.stringContaining('http://localhost:'),
      });
      socket.raw.close();
      await socket.closed;
    }
  }
});

test('one limit of connections holds for both', async () => {
  const { gateway } = await startTestServices({ set: onLocalhost, maxConnections: 8 });
  const [v4, v6] = urlsOf(gateway);
  const oldest = await connectTo(v6);
  const evicted = once(oldest, 'close');
  for (let count = 0; count < 4; count++) await Promise.all([connectTo(v4), connectTo(v6)]);
  await evicted;
  const { text } = await get(`${v6}/metrics`);
  expect(text).toMatch(/^swob_client_connections_closed_total\{reason="idle"\} [1-9]/m);
});

test('a stop ends the sockets of both, and the connections of clients that do not answer', async () => {
  const services = await startTestServices({ set: onLocalhost });
  const [, v6] = urlsOf(services.gateway);
  const idle = await connectTo(v6);
  const [, url] = urlsOf(await openSession(v6, 'alice'));
  const socket = await openSocket(url);
  await socket.next();
  await services.stop();
  expect(await socket.closed).toEqual({ code: 1001, reason: 'server stopping' });
  if (!idle.closed) await once(idle, 'close');
  for (const each of urlsOf(services.gateway)) await expect(get(`${each}/livez`)).rejects.toThrow();
});

test('at ::, a proxy with IPv4 is trusted by its IPv4 address', async () => {
  const set = ['api.host=::', 'websocket.host=::', 'api.trusted_proxies=127.0.0.1'];
  const { gateway, sync, log } = await startTestServices({ set });
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  for (const url of [gateway, sync.replace('ws:', 'http:')])
    for (const host of ['127.0.0.1', '[::1]']) await get(`${url.replace('[::]', host)}/nowhere`, { headers });
  const clients = log.lines.flatMap(({ fields }) => ('client' in fields ? [fields.client] : []));
  expect(clients).toEqual(['203.0.113.9', '::1', '203.0.113.9', '::1']);
});

describe('the server of every HTTP service', () => {
  test('a stop waits for the running requests of both', async () => {
    const { app, server, clock } = await createTestServer(undefined, 'localhost');
    const waiting: ((text: string) => void)[] = [];
    app.get('/slow', () => new Promise<string>((resolve) => waiting.push(resolve)));
    const [, v6] = urlsOf(`http://localhost:${await server.start()}`);
    const socket = await connectTo(v6);
    const received = once(app.server, 'request');
    socket.write(request('GET', '/slow'));
    await received;
    const response = readAll(socket);
    const stopped = server.stop(createDeadline(clock, 5_000));
    await vi.waitFor(() => expect(app.server.listening).toBe(false));
    await expect(connectTo(v6)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    waiting[0]?.('done');
    expect(await response).toMatch(/\r\n\r\ndone$/);
    expect(await stopped).toBe(0);
  });

  test('at the deadline, a stop ends the connections of both', async () => {
    const { app, server, clock } = await createTestServer(undefined, 'localhost');
    app.get('/never', () => new Promise(() => undefined));
    const urls = urlsOf(`http://localhost:${await server.start()}`);
    for (const url of urls) {
      const socket = await connectTo(url);
      const received = once(app.server, 'request');
      socket.write(request('GET', '/never'));
      await received;
    }
    const stopped = server.stop(createDeadline(clock, 5_000));
    const timer = setInterval(() => clock.advance(5_000), 10);
    onTestFinished(() => clearInterval(timer));
    expect(await stopped).toBe(2);
  });

  test('renewed certificates are served at both', async (context) => {
    needs(context, { command: 'openssl' });
    const folder = temporaryFolder();
    const make = (name: string) => {
      const { crt, key, fingerprint } = makeCertificate(folder, name);
      return { cert: readFileSync(crt, 'utf8'), key: readFileSync(key, 'utf8'), fingerprint };
    };
    const [first, second] = [make('first'), make('second')];
    const { server, renew } = await createTestServer(first, 'localhost');
    const urls = urlsOf(`https://localhost:${await server.start()}`);
    for (const url of urls) expect(await peerOf(url)).toBe(first.fingerprint);
    renew(second);
    for (const url of urls) expect(await peerOf(url)).toBe(second.fingerprint);
  });
});

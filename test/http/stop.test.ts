// Clients of an HTTP service that stops: what they have sent is answered, and what they have not used keeps nobody waiting.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { createDeadline } from '../../src/lib/deadline.ts';
import { connectTo, readAll, request } from '../hostile/raw.ts';
import { makeCertificate } from '../support/certificates.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createTestServer } from '../support/http-server.ts';
import { needs } from '../support/needs.ts';

async function start(scheme: 'http' | 'https') {
  const { app, server, clock } = await createTestServer(scheme === 'https' ? readCertificate() : undefined);
  const waiting: ((text: string) => void)[] = [];
  app.get('/slow', () => new Promise<string>((resolve) => waiting.push(resolve)));
  app.get('/quick', () => 'quick');
  const url = `${scheme}://127.0.0.1:${await server.start()}`;
  // On the fake clock, so that a connection that is waited for never ends.
  return { url, app, waiting, stop: () => server.stop(createDeadline(clock, 5_000)) };
}

function readCertificate() {
  const { crt, key } = makeCertificate(temporaryFolder(), 'service');
  return { cert: readFileSync(crt, 'utf8'), key: readFileSync(key, 'utf8') };
}

const keptAlive = (path: string): string => request('GET', path).replace('Connection: close\r\n', '');
const quickResponse = /^HTTP\/1\.1 200 OK\r\n(?=[\s\S]*connection: close)[\s\S]*\r\n\r\nquick$/i;

/** A connection with one response behind it. */
async function connectAndUse(url: string): Promise<Socket> {
  const socket = await connectTo(url);
  socket.write(keptAlive('/quick'));
  await once(socket, 'readable');
  socket.read();
  return socket;
}

describe.for(['http', 'https'] as const)('%s', (scheme) => {
  test('a request that had reached the machine before the stop is served', async (context) => {
    needs(context, { command: 'openssl' });
    const { url, stop } = await start(scheme);
    const sockets = [await connectAndUse(url), await connectTo(url)];
    const responses = Promise.all(sockets.map(readAll));
    // The kernel has them, and the server cannot have read them.
    for (const socket of sockets) socket.write(keptAlive('/quick'));
    expect(await stop()).toBe(0);
    for (const response of await responses) expect(response).toMatch(quickResponse);
  });

  test('idle connections and those without a request end immediately', async (context) => {
    needs(context, { command: 'openssl' });
    const { url, app, stop } = await start(scheme);
    const secured = scheme === 'https' && once(app.server, 'secureConnection');
    const unused = await connectTo(url);
    await secured;
    const closed = [await connectAndUse(url), unused].map(readAll);
    expect(await stop()).toBe(0);
    expect(await Promise.all(closed)).toEqual(['', '']);
  });
});

test('a request behind one that is being served gets the response of its route', async () => {
  const { url, app, waiting, stop } = await start('http');
  const socket = await connectTo(url);
  const responses = readAll(socket);
  socket.write(keptAlive('/slow'));
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  const stopped = stop();
  await vi.waitFor(() => expect(app.server.listening).toBe(false));
  const parsed = once(app.server, 'request');
  socket.write(keptAlive('/quick'));
  await parsed;
  waiting[0]?.('slow');
  expect(await stopped).toBe(0);
  expect(await responses).toMatch(
    /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nslowHTTP\/1\.1 200 OK\r\n[\s\S]*quick$/,
  );
});

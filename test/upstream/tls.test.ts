// Connections over TLS: which servers are trusted, which name is requested, and that other servers receive nothing.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, type TestContext, test, vi } from 'vitest';
import { systemClock as clock } from '../../src/app/system-clock.ts';
import { createConnectionPool } from '../../src/upstream/connection-pool.ts';
import { createPublisher } from '../../src/upstream/publisher.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';
import { needs } from '../support/needs.ts';
import { httpResponse } from './raw-server.ts';

/** A server that responds to each request, with a self-signed certificate. */
async function startTlsServer(context: TestContext) {
  needs(context, { command: 'openssl' });
  const folder = temporaryFolder();
  const [crt, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1';
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test'];
  execFileSync('openssl', [...args, '-addext', names, '-keyout', key, '-out', crt], { stdio: 'ignore' });
  const cert = readFileSync(crt, 'utf8');
  const requests: string[] = [];
  const open = new Set<TLSSocket>();
  const askedFor: (string | false | null)[] = [];
  const server = createServer({ cert, key: readFileSync(key) }, (socket) => {
    open.add(socket);
    askedFor.push(socket.servername ?? null);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (chunk) => {
      requests.push(String(chunk));
      socket.write(httpResponse('ok'));
    });
  });
  server.on('tlsClientError', () => undefined);
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  );
  return { port, cert, requests, open, askedFor };
}

test.for([
  ['127.0.0.1', false],
  ['localhost', 'localhost'],
] as const)(
  'a trusted server at %s gets requests, and its name if it has one',
  async ([host, name], context) => {
    const { port, cert, ...server } = await startTlsServer(context);
    const origin = `https://${host}:${port}`;
    const connections = createConnectionPool({
      ...{ name: 'X', host, port, origin, tls: () => ({ ca: cert }), min: 2, max: 2 },
      ...{ waitTimeoutMs: 1_000, connectTimeoutMs: 10_000, clock, log: createMemoryLog() },
    });
    onTestFinished(async () => void (await connections.close()));
    await vi.waitFor(() => expect(server.open.size).toBe(2));
    const request = { path: '/x', headers: {}, timeoutMs: 10_000, maxBodyBytes: 10 };
    for (let count = 0; count < 3; count += 1) {
      expect(await connections.request(request)).toMatchObject({ kind: 'response', body: Buffer.from('ok') });
    }
    expect(server.requests).toHaveLength(3);
    expect(server.askedFor).toEqual([name, name]);
  },
);

test('a server without a trusted certificate receives no message', async (context) => {
  const { port, requests, open } = await startTlsServer(context);
  const publisher = createPublisher({
    ...{ host: 'https://127.0.0.1', port, endpoint: '/publish', timeoutMs: 10_000 },
    ...{ clock, log: createMemoryLog() },
  });
  onTestFinished(async () => void (await publisher.close()));
  expect(await publisher.publish('1', '+237650393369', 'x', async () => {})).toEqual({
    kind: 'not sent',
    reason: `the Publisher at 127.0.0.1:${port} is unreachable (DEPTH_ZERO_SELF_SIGNED_CERT)`,
  });
  await vi.waitFor(() => expect(open.size).toBe(0));
  expect(requests).toEqual([]);
});

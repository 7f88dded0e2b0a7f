// How the console's pages are served, and its routes: headers, encodings, caching, validation, bounds.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { brotliDecompressSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { asScript, postJson } from '../support/console.ts';
import { openEventStream } from '../support/event-stream.ts';
import { get } from '../support/phone.ts';
import { type Services, startTestServices } from '../support/services.ts';
import { sharedByFile } from '../support/teardown.ts';

const services = sharedByFile(() => startTestServices({ set: ['console.max_clients=1'] }));
const assets = 'dist/web/console/assets';
const script = (): string => readdirSync(assets).find((name) => /^main-.*\.js$/.test(name)) ?? '';

/** Without decompression, which fetch does by itself. */
async function request(path: string, headers: Readonly<Record<string, string>> = {}) {
  const { request: send } = await import('node:http');
  const { hostname, port } = new URL(services().gateway);
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>(
    (resolve, reject) => {
      send({ hostname, port, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      })
        .on('error', reject)
        .end();
    },
  );
}

test('every path of a view is the page, with a strict content security policy', async () => {
  for (const path of ['/console', '/console/', '/console/settings', '/console/none?x=1']) {
    const { status, headers, body } = await request(path);
    expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/html; charset=utf-8']);
    expect(headers).toMatchObject({
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self';/,
    );
    expect(String(headers['content-security-policy'])).not.toContain('unsafe');
    expect(body.toString()).toContain(`/console/assets/${script()}`);
    expect(body.toString()).not.toMatch(/<script[^>]*>[^<]|style=|https?:/);
  }
});

test('assets are brotli where the client accepts it, cached for a year, and revalidated', async () => {
  const path = `/console/assets/${script()}`;
  const plain = await request(path, { 'accept-encoding': 'gzip, br;q=0' });
  expect(plain.headers['content-encoding']).toBeUndefined();
  const compressed = await request(path, { 'accept-encoding': 'gzip, deflate, br' });
  expect(compressed.headers).toMatchObject({
    'content-encoding': 'br',
    'content-type': 'text/javascript; charset=utf-8',
    vary: expect.stringContaining('accept-encoding'),
    'cache-control': 'public, max-age=31536000, immutable',
  });
  expect(brotliDecompressSync(compressed.body).equals(plain.body)).toBe(true);
  expect(plain.body.equals(readFileSync(join(assets, script())))).toBe(true);
  const again = await request(path, { 'if-none-match': String(plain.headers.etag) });
  expect([again.status, again.body.length]).toEqual([304, 0]);
});

test.each([
  '/console/assets/none.js',
  '/console/assets/..%2findex.html',
  '/console/assets/..%2f..%2f..%2fpackage.json',
  '/console/assets/%00.js',
  `/console/assets/${script()}.br`,
])('%s is not found', async (path) => {
  expect((await request(path)).status).toBe(404);
});

test('a view validates its query and the bodies of its actions, and its routes are not in the API document', async () => {
  const { gateway } = services();
  const headers = asScript(services());
  for (const path of ['settings?x=1', 'log?level=all', `log?level=${'x'.repeat(1_000)}`]) {
    const response = await get(`${gateway}/console/api/${path}`, { headers });
    expect([path, response.status]).toEqual([path, 400]);
    expect(JSON.parse(response.text)).toHaveProperty('error');
  }
  const act = (body: unknown) => postJson(`${gateway}/console/api/log/level`, body, headers);
  for (const body of [{}, { level: 'debug', minutes: 61 }, { level: 'debug', minutes: 1, more: 1 }])
    expect((await act(body)).status).toBe(400);
  expect((await get(`${gateway}/console/api/none`, { headers })).status).toBe(404);
  expect((await get(`${gateway}/docs/json`)).text).not.toContain('/console');
});

test('the settings have the log levels as they are now', async () => {
  let level: 'info' | 'debug' = 'info';
  const started = await startTestServices({
    set: ['logging.level=info'],
    logLevels: () => ({ level, gelfLevel: 'off' }),
  });
  const shown = async () => {
    const { text } = await get(`${started.gateway}/console/api/settings`, { headers: asScript(started) });
    const { settings } = JSON.parse(text) as { settings: { section: string; key: string }[] };
    return settings.find(({ section, key }) => section === 'logging' && key === 'level');
  };
  expect(await shown()).toMatchObject({ value: 'info', origin: expect.not.stringContaining('reloaded') });
  level = 'debug';
  expect(await shown()).toMatchObject({ value: 'debug', origin: 'reloaded since the start' });
});

test('a script reads a view, and follows it; a stream too many is refused with 503', async () => {
  const { gateway, clock }: Services = services();
  const headers = asScript(services());
  const settings = await get(`${gateway}/console/api/settings`, { headers });
  expect(JSON.parse(settings.text)).toMatchObject({ version: 'test' });

  const sockets: Socket[] = [];
  const onRequest = (message: unknown): void => void sockets.push((message as { socket: Socket }).socket);
  subscribe('http.server.request.start', onRequest);
  onTestFinished(() => void unsubscribe('http.server.request.start', onRequest));
  const stream = await openEventStream(`${gateway}/console/api/log/events`, headers);
  // An idle timeout would cut a quiet stream in the middle, which browsers report as an error.
  expect(sockets.map(({ timeout }) => timeout)).toEqual([0]);
  expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(await stream.next()).toMatchObject({ data: { lines: [] } });
  const refused = await openEventStream(`${gateway}/console/api/log/events`, headers);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);

  await postJson(`${gateway}/console/api/log/level`, { level: 'debug', minutes: 1 }, headers);
  clock.advance(1_000);
  expect(await stream.next()).toMatchObject({ data: { lowered: { level: 'debug' } } });
  // The level returns by itself, and the stream outlives the deadline of handlers.
  clock.advance(120_000);
  await setImmediate();
  clock.advance(1_000);
  expect((await stream.next())?.data).not.toHaveProperty('lowered');
});

test('the checks run once for concurrent requests, and say what failed', async () => {
  const { gateway, clock } = services();
  const headers = asScript(services());
  const run = () => postJson(`${gateway}/console/api/checks/run`, {}, headers);
  const [first, second] = await Promise.all([run(), run()]);
  expect(first.body).toMatchObject({ kind: 'done', total: expect.any(Number) });
  expect(second.body).toEqual(first.body);
  expect((await run()).body).toEqual({ kind: 'recent' });
  clock.advance(5_000);
  const { text } = await get(`${gateway}/console/api/checks`, { headers });
  const { isRunning, last } = JSON.parse(text);
  expect(isRunning).toBe(false);
  expect(last.findings.map(({ check }: { check: string }) => check)).toContain('port of gateway');
});

test('pages are small: all that a browser loads, compressed', () => {
  const compressed = (page: string): number =>
    readdirSync(join('dist/web', page), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.br'))
      .reduce((sum, name) => sum + readFileSync(join('dist/web', page, name)).length, 0);
  const budgets: Readonly<Record<string, number>> = { console: 120_000, pairing: 25_000 };
  for (const page of readdirSync('dist/web'))
    expect([page, compressed(page)]).toEqual([
      page,
      expect.toSatisfy((bytes) => bytes <= (budgets[page] ?? 0)),
    ]);
});

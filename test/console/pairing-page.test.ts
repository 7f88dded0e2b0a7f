// The routes of the pairing page: off by default, one session for each request of the page's script, and the security headers.

import { createConnection } from 'node:net';
import { expect, test } from 'vitest';
import { metric } from '../hostile/probes.ts';
import { get, post } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

const opened = (gateway: string) => metric(gateway, 'swob_pairings_total{outcome="opened"}');

test('is not there unless [console] pairing is on, and does not need the console', async () => {
  const off = await startTestServices();
  expect((await get(`${off.gateway}/pair/alice`)).status).toBe(404);
  expect((await post(`${off.gateway}/pair/alice/sessions`, {})).status).toBe(404);
  const on = await startTestServices({ set: ['console.pairing=on', 'console.enabled=off'] });
  expect((await get(`${on.gateway}/pair/alice`)).status).toBe(200);
  expect((await get(`${on.gateway}/console`)).status).toBe(404);
});

test('the page opens no session, its script opens one, with the limits of other clients', async () => {
  const { gateway, sync } = await startTestServices({
    set: [
      'console.pairing=on',
      'limits.sessions=2/1m',
      'api.state=production',
      'sync.session_sleep_timeout=7s',
    ],
  });
  const page = await get(`${gateway}/pair/alice`, { headers: { purpose: 'prefetch' } });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect((await get(`${gateway}/pair/alice`, { method: 'HEAD' })).status).toBe(200);
  expect((await get(`${gateway}/pair/alice/sessions`)).status).toBe(404);
  expect(await opened(gateway)).toBe(0);
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy.split('; ')).toContain(`connect-src 'self' ${sync}`);
  expect(policy).not.toContain('unsafe');
  for (const asset of page.text.matchAll(/\/pair\/assets\/[\w.-]+/g))
    expect((await get(gateway + asset[0])).headers.get('cache-control')).toContain('immutable');

  const answer = await fetch(`${gateway}/pair/alice/sessions`, { method: 'POST' });
  const { url, seconds } = (await answer.json()) as { url: string; seconds: number };
  expect([answer.status, seconds, answer.headers.get('cache-control')]).toEqual([200, 7, 'no-store']);
  expect(await (await openSocket(url)).next()).toContain('/v2/sync/users/alice/sessions/');
  expect(await opened(gateway)).toBe(1);
  await get(`${gateway}/v2/sync/users/alice`);
  const refused = await fetch(`${gateway}/pair/alice/sessions`, { method: 'POST' });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await refused.json()).toEqual({ error: expect.stringContaining('new sessions') });
});

const hostileIds = [
  '..',
  '%2e%2e',
  'a%2fb',
  '%00',
  '<img src=x>',
  '\'"><script>',
  '\u202e',
  'x'.repeat(129),
  '__proto__%20',
];

test('hostile user ids get no page and no session', async () => {
  const { gateway } = await startTestServices({ set: ['console.pairing=on', 'api.state=production'] });
  const port = Number(new URL(gateway).port);
  for (const userId of hostileIds) {
    const path = `/pair/${encodeOdd(userId)}`;
    for (const line of [`GET ${path}`, `POST ${path}/sessions`]) {
      const status = (await request(port, `${line} HTTP/1.1`)).slice(0, 12);
      expect([line, status]).toEqual([line, expect.stringMatching(/^HTTP\/1\.1 4(?:00|04|14)$/)]);
    }
  }
  expect(await opened(gateway)).toBe(0);
});

test('its own pages may use the websocket, and other origins only if [api] origins has them', async () => {
  const { gateway } = await startTestServices({
    set: [
      'console.pairing=on',
      'api.origins=https://app.example.org',
      'api.public_url=https://pair.example.org',
    ],
  });
  const { text } = await get(`${gateway}/v2/sync/users/alice`);
  const open = (origin: string) => openSocket(text, { headers: { origin } });
  expect(await (await open('https://pair.example.org')).next()).toContain('qr_url');
  await expect(open('https://other.example.org')).rejects.toThrow('403');
});

/** As a browser sends it; what is encoded already stays so. */
const encodeOdd = (userId: string): string => encodeURI(userId).replaceAll('%25', '%');

/** The status line, for paths that fetch would change. */
function request(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => {
      socket.write(`${line}\r\nHost: swob\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    });
    socket.once('data', (data) => {
      socket.destroy();
      resolve(String(data));
    });
    socket.once('error', reject);
  });
}

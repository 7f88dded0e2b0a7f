// An overloaded process: each service rejects new work in its own format, open sockets and probes are served, and it recovers.

import { expect, test } from 'vitest';
import type { LoadSample } from '../../src/http/overload-guard.ts';
import {
  expectFailure,
  expectService,
  goodToken,
  requestDisconnect,
  startDisconnect,
} from '../support/disconnect.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { createPhone, get, openSession, pair } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

function createLoop() {
  let sample: LoadSample = { delayMs: 0, memory: 0.1 };
  return {
    sample: () => sample,
    /** For two samples. */
    become: (clock: FakeClock, delayMs: number): void => {
      sample = { delayMs, memory: 0.1 };
      clock.advance(500);
    },
  };
}

const words = 'overloaded, try again later';

test('gateway and sync: 503 with Retry-After; probes and the running pairing are served', async () => {
  const loop = createLoop();
  const { gateway, sync, clock, log } = await startTestServices({ sample: loop.sample });
  const socket = await openSocket(await openSession(gateway, 'alice'));
  const { qr_url: url } = JSON.parse(await socket.next());

  loop.become(clock, 1_500);
  const response = await get(`${gateway}/seeds`);
  expect([response.status, response.text]).toEqual([503, words]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'retry-after': '10',
    'x-content-type-options': 'nosniff',
  });
  // A gateway client would keep a body as its number.
  const lookup = await get(`${gateway}/seeds/624012345678901`);
  expect([lookup.status, lookup.text, lookup.headers.get('retry-after')]).toEqual([503, '', '10']);
  const fromPage = await get(`${gateway}/nowhere`, { headers: { origin: 'https://app.example.org' } });
  expect(fromPage.status).toBe(503);
  expect(fromPage.headers.get('access-control-allow-origin')).toBe('https://app.example.org');
  await expect(openSocket(`${sync}/v2/sync/init/bob/000`)).rejects.toThrow('unexpected 503');
  for (const probe of ['/livez', '/metrics']) {
    expect((await get(`${gateway}${probe}`)).status).toBe(200);
    expect((await get(`${sync.replace('ws:', 'http:')}${probe}`)).status).toBe(200);
  }
  await socket.settled();
  expect(socket.raw.readyState).toBe(socket.raw.OPEN);
  // Logged once, not for each rejected request.
  expect(log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toMatchObject([
    { level: 'warn', message: 'overloaded: rejecting new work; see [overload]' },
  ]);

  loop.become(clock, 0);
  expect(await pair(url, createPhone(), 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
  expect(await socket.next()).toBe('201- pause');
  expect(await socket.next()).toBe('200- ack');
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      message: 'no longer overloaded',
      fields: expect.objectContaining({ rejected: 4 }),
    }),
  );
});

test('a gateway in another process still reaches an open socket while new ones are rejected', async () => {
  const loop = createLoop();
  const { sync, clock } = await startTestServices({ sample: loop.sample, set: ['sync.max_connections=1'] });
  const socket = await openSocket(`${sync}/v2/sync/init/alice/000`);
  await socket.next();
  await expect(openSocket(`${sync}/v2/sync/init/bob/000`)).rejects.toThrow('unexpected 503');
  loop.become(clock, 1_500);
  await expect(openSocket(`${sync}/v2/sync/init/bob/000`)).rejects.toThrow('unexpected 503');
  const teller = await openSocket(`${sync}/v2/sync/pause/alice/000`);
  expect((await teller.closed).reason).toBe('done');
  expect(await socket.next()).toBe('201- pause');
});

test('the disconnect service: 503 as JSON, or 200 with legacy_status; the PCRF is not called', async () => {
  const loop = createLoop();
  const service = await startDisconnect({ sample: loop.sample });
  await expectService(service);
  const before = service.calls();
  loop.become(service.clock, 1_500);
  const response = await requestDisconnect(service, goodToken);
  expectFailure(response, 503, words, 'OVERLOADED');
  expect(response.headers.get('retry-after')).toBe('10');
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(service.calls()).toBe(before);
  expect((await get(`${service.url}/livez`)).status).toBe(200);
  loop.become(service.clock, 0);
  await expectService(service);

  const old = await startDisconnect({ sample: loop.sample, set: ['disconnect.legacy_status=yes'] });
  await expectService(old);
  loop.become(old.clock, 1_500);
  expectFailure(await requestDisconnect(old, goodToken), 200, words, 'OVERLOADED');
});

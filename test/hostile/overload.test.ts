// A process that drowns: each service says so in its own words, live sockets and probes go on, and it recovers.

import { expect, test } from 'vitest';
import type { Sample } from '../../src/http/pressure.ts';
import { ask, expectFailure, expectService, goodToken, startDisconnect } from '../support/disconnect.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { createPhone, get, openSession, pair } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

function createLoop() {
  let sample: Sample = { delayMs: 0, memory: 0.1 };
  return {
    sample: () => sample,
    /** For two looks. */
    become: (clock: FakeClock, delayMs: number): void => {
      sample = { delayMs, memory: 0.1 };
      clock.advance(500);
    },
  };
}

const words = 'overloaded, try again later';

test('gateway and sync: 503 with Retry-After; probes and the pairing that is under way are served', async () => {
  const loop = createLoop();
  const { gateway, sync, clock, log } = await startTestServices({ sample: loop.sample });
  const socket = await openSocket(await openSession(gateway, 'alice'));
  const { qr_url: url } = JSON.parse(await socket.next());

  loop.become(clock, 1_500);
  const answer = await get(`${gateway}/seeds`);
  expect([answer.status, answer.text]).toEqual([503, words]);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'retry-after': '10',
    'x-content-type-options': 'nosniff',
  });
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
  // Told once, not for each that was refused.
  expect(log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toMatchObject([
    { level: 'warn', message: 'overloaded: new work is refused; see [overload]' },
  ]);

  loop.become(clock, 0);
  expect(await pair(url, createPhone(), 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
  expect(await socket.next()).toBe('201- pause');
  expect(await socket.next()).toBe('200- ack');
  expect(log.lines).toContainEqual(
    expect.objectContaining({
      message: 'no longer overloaded',
      fields: expect.objectContaining({ refused: 3 }),
    }),
  );
});

test('a late gateway of another process still reaches a live socket while new ones are refused', async () => {
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

test('the disconnect service: 503 in its JSON, or 200 with legacy_status; the PCRF hears nothing', async () => {
  const loop = createLoop();
  const world = await startDisconnect({ sample: loop.sample });
  await expectService(world);
  const before = world.calls();
  loop.become(world.clock, 1_500);
  const answer = await ask(world, goodToken);
  expectFailure(answer, 503, words);
  expect(answer.headers.get('retry-after')).toBe('10');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(world.calls()).toBe(before);
  expect((await get(`${world.url}/livez`)).status).toBe(200);
  loop.become(world.clock, 0);
  await expectService(world);

  const old = await startDisconnect({ sample: loop.sample, set: ['disconnect.legacy_status=yes'] });
  await expectService(old);
  loop.become(old.clock, 1_500);
  expectFailure(await ask(old, goodToken), 200, words);
});

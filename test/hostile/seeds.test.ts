// HOSTILE.md, "Seeds and outgoing SMS", Q1 to Q5.

import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { get, openSession, post } from '../support/phone.ts';
import { connectTo, exchange, request } from './raw.ts';
import { expectService, startWorld } from './world.ts';

const cameroon = { MSISDN: '+237671234567', seed_type: 'seed' };
const ping = (gateway: string, IMSI: unknown, headers: Record<string, string> = {}) =>
  post(`${gateway}/seeds/ping`, { IMSI, ...cameroon }, headers);
const active = async (gateway: string): Promise<string[]> =>
  JSON.parse((await get(`${gateway}/seeds`)).text).map(({ IMSI }: { IMSI: string }) => IMSI);
const statusOf = async (url: string, path: string) =>
  Number((await exchange(url, request('GET', path))).slice(9, 12));

/** Enough of a value to tell which one failed. */
const shown = (value: string): string => `${value.slice(0, 30)} (${value.length})`;

const badImsis = [
  '../../x',
  '624013000000000\0',
  '62401300\n0000000',
  '6'.repeat(10_240),
  '6'.repeat(65),
  '',
  'a b',
  '62401/3',
  '٦٢٤٠١٣٠٠٠٠٠٠٠٠٠',
  null,
  624013000000000,
  ['624013000000000'],
  {},
];

test('Q1 an IMSI that is a path, holds NUL, is 10 KB or no text gets 400, and nothing is written', async () => {
  for (const state of ['testing', 'production']) {
    const world = await startWorld({ set: [`api.state=${state}`] });
    for (const imsi of [...badImsis, ...(state === 'production' ? ['abc', '12345', '1'.repeat(16)] : [])]) {
      expect([imsi, (await ping(world.gateway, imsi)).status]).toEqual([imsi, 400]);
      expect((await post(`${world.gateway}/seeds`, { IMSI: imsi, MSISDN: cameroon.MSISDN })).status).toBe(
        400,
      );
    }
    for (const path of ['..%2f..%2fx', '%00', '6'.repeat(10_240), '6'.repeat(1_025), 'a%20b', '62401%0a']) {
      expect([shown(path), await statusOf(world.gateway, `/seeds/${path}`)]).toEqual([shown(path), 400]);
    }
    expect(world.records()).toEqual({});
    expect(await active(world.gateway)).toEqual([]);
    expect((await ping(world.gateway, '624013000000000')).status).toBe(200);
    expect(Object.keys(world.records())).toHaveLength(1);
  }
});

test('Q1 an MSISDN that cannot exist gets 400 in production, and nothing is written', async () => {
  const world = await startWorld({ set: ['api.state=production'] });
  for (const MSISDN of [
    '+1',
    '+237',
    '671234567',
    '+2376712345678901',
    '+237671234567\n',
    'x'.repeat(10_240),
  ]) {
    const body = { IMSI: '624013000000000', MSISDN, seed_type: 'seed' };
    expect([MSISDN, (await post(`${world.gateway}/seeds/ping`, body)).status]).toEqual([MSISDN, 400]);
  }
  expect(world.records()).toEqual({});
});

test('Q1 an IMSI of a name that objects have is an IMSI like any other', async () => {
  const world = await startWorld();
  for (const imsi of ['__proto__', 'constructor', 'toString']) {
    expect((await get(`${world.gateway}/seeds/${imsi}`)).text).toBe('');
    expect((await ping(world.gateway, imsi)).status).toBe(200);
    expect((await get(`${world.gateway}/seeds/${imsi}`)).text).toBe(cameroon.MSISDN);
  }
  await world.stop();
  const restarted = await startWorld({ folder: world.folder, clock: world.clock });
  expect(await active(restarted.gateway)).toEqual(['__proto__', 'constructor', 'toString']);
});

test('Q2 a user id that is a path, holds NUL or is too long gets 400, and no session', async () => {
  for (const state of ['testing', 'production']) {
    const world = await startWorld({ set: [`api.state=${state}`] });
    const bad = ['..%2f', '..%2f..%2fetc', '%00', 'a%00', '%2e%2e', '..', '.', 'a%20b', 'x'.repeat(129)];
    for (const user of [...bad, 'x'.repeat(1_025), 'x'.repeat(10_240), '%F0%9F%98%80', 'a%0d%0ab']) {
      const status = await statusOf(world.gateway, `/v2/sync/users/${user}`);
      expect([shown(user), status]).toEqual([shown(user), 400]);
    }
    await expectService(world);
    await openSession(world.gateway, 'x'.repeat(64));
  }
});

test("Q3 with tokens required a ping for another's IMSI gets 401, and nothing is written", async () => {
  const secret = 'a secret of the operator';
  const world = await startWorld({ set: [`seeds.token_secret=${secret}`] });
  const [mine, other] = ['624013000000000', '624013000000001'];
  const code = createHmac('sha256', secret).update(mine).digest('base64url');
  const forged = createHmac('sha256', '').update(mine).digest('base64url');
  for (const [imsi, authorization] of [
    [mine, ''],
    [other, `Bearer ${mine}.${code}`],
    [other, `Bearer ${other}.${code}`],
    [mine, `Bearer ${mine}.${forged}`],
    [mine, `Bearer ${mine}.`],
    [mine, `Basic ${mine}.${code}`],
    [mine, `Bearer ${'x'.repeat(8_000)}.${code}`],
  ] as const) {
    expect(await ping(world.gateway, imsi, { authorization })).toMatchObject({
      status: 401,
      text: 'missing or wrong token',
    });
  }
  const unsigned = await post(`${world.gateway}/seeds`, { IMSI: other, MSISDN: cameroon.MSISDN });
  expect(unsigned.status).toBe(401);
  expect(world.records()).toEqual({});
  expect((await ping(world.gateway, mine, { authorization: `Bearer ${mine}.${code}` })).status).toBe(200);
  expect(JSON.stringify(world.log.lines)).not.toContain(code);
});

test('Q4 a seed is present at 19.9 s and gone at 20.1 s', async () => {
  const { gateway, clock } = await startWorld();
  await ping(gateway, '624013000000000');
  clock.advance(19_900);
  expect(await active(gateway)).toEqual(['624013000000000']);
  expect((await get(`${gateway}/seeds/624013000000000`)).text).toBe(cameroon.MSISDN);
  clock.advance(200);
  expect(await active(gateway)).toEqual([]);
  expect(await get(`${gateway}/seeds/624013000000000`)).toMatchObject({ status: 200, text: '' });
});

test('Q4 a clock set back or forward neither revives nor ends a seed', async () => {
  const { gateway, clock } = await startWorld();
  const [early, late] = ['624013000000001', '624013000000002'];
  await ping(gateway, early);
  clock.setWall(clock.now() - 3_600_000);
  clock.advance(10_000);
  await ping(gateway, late);
  expect(await active(gateway)).toEqual([early, late]);
  clock.advance(10_100);
  expect(await active(gateway)).toEqual([late]);
  clock.setWall(clock.now() + 86_400_000);
  expect(await active(gateway)).toEqual([late]);
  clock.advance(10_000);
  expect(await active(gateway)).toEqual([]);
  // A ping by the clock that was set back counts at once.
  clock.setWall(0);
  await ping(gateway, early);
  expect(await active(gateway)).toEqual([early]);
});

/** Pings with a new IMSI each, over one connection without waiting. @returns how often each status came */
async function flood(url: string, first: number, count: number): Promise<Record<string, number>> {
  const socket = await connectTo(url);
  const statuses: Record<string, number> = {};
  let rest = '';
  let answered = 0;
  const done = new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error(`closed after ${answered} answers`)));
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('latin1');
      // What is left may hold half a status line.
      let counted = Math.max(0, rest.length - 12);
      for (const match of rest.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        const [line, status = ''] = match;
        statuses[status] = (statuses[status] ?? 0) + 1;
        answered++;
        counted = Math.max(counted, match.index + line.length);
      }
      rest = rest.slice(counted);
      if (answered >= count) resolve();
    });
  });
  for (let sent = 0; sent < count; sent += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, count - sent) }, (_, index) => {
      const body = JSON.stringify({ IMSI: String(624_013_000_000_000 + first + sent + index), ...cameroon });
      return `POST /seeds/ping HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    await new Promise<void>((resolve) => socket.write(batch.join(''), () => resolve()));
  }
  await done;
  socket.removeAllListeners('close').destroy();
  return statuses;
}

test('Q5 of 100,000 new IMSIs from one address as many are taken as the rate limit says', async () => {
  const world = await startWorld({
    // What is tested is the limit, also on a machine that is busy.
    set: ['limits.pings=300/1m', 'api.request_timeout=5m'],
  });
  const connections = 4;
  const floods = Array.from({ length: connections }, (_, index) =>
    flood(world.gateway, index * 25_000, 100_000 / connections),
  );
  const statuses = await Promise.all(floods);
  const sum = (status: string) => statuses.reduce((total, counted) => total + (counted[status] ?? 0), 0);
  expect([sum('200'), sum('429')]).toEqual([300, 99_700]);
  expect(Object.keys(world.records())).toHaveLength(300);
  expect((await ping(world.gateway, '1'.repeat(15))).headers.get('retry-after')).toBe('60');
  world.clock.advance(60_000);
  expect((await ping(world.gateway, '1'.repeat(15))).status).toBe(200);
}, 60_000);

test('Q5 above the limit of registrations new IMSIs get 503, and known ones still ping', async () => {
  const world = await startWorld({ set: ['seeds.max_registered=20', 'limits.pings=off'] });
  const statuses = await flood(world.gateway, 0, 500);
  expect(statuses).toEqual({ 200: 20, 503: 480 });
  expect(Object.keys(world.records())).toHaveLength(20);
  const kept = await active(world.gateway);
  world.clock.advance(20_001);
  for (const imsi of kept) expect((await ping(world.gateway, imsi)).status).toBe(200);
  expect((await active(world.gateway)).sort()).toEqual(kept.sort());
  await world.stop();
  const restarted = await startWorld({ folder: world.folder, set: ['seeds.max_registered=20'] });
  expect((await ping(restarted.gateway, '1'.repeat(15))).status).toBe(503);
});

// docs/protocol.md, "Seeds and outgoing SMS", Q1 to Q5.

import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { effort } from '../support/effort.ts';
import { get, openSession, post } from '../support/phone.ts';
import { expectService, startAttackedServices } from './attacked-services.ts';
import { connectTo, exchange, request } from './raw.ts';

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

test('Q1 an IMSI that is a path, contains NUL, has 10 KB or is not a string gets 400, and nothing is stored', async () => {
  for (const state of ['testing', 'production']) {
    const services = await startAttackedServices({ set: [`api.state=${state}`] });
    for (const imsi of [...badImsis, ...(state === 'production' ? ['abc', '12345', '1'.repeat(16)] : [])]) {
      expect([imsi, (await ping(services.gateway, imsi)).status]).toEqual([imsi, 400]);
      expect((await post(`${services.gateway}/seeds`, { IMSI: imsi, MSISDN: cameroon.MSISDN })).status).toBe(
        400,
      );
    }
    for (const path of ['..%2f..%2fx', '%00', '6'.repeat(10_240), '6'.repeat(1_025), 'a%20b', '62401%0a']) {
      expect([shown(path), await statusOf(services.gateway, `/seeds/${path}`)]).toEqual([shown(path), 400]);
    }
    expect(services.storedRecords()).toEqual({});
    expect(await active(services.gateway)).toEqual([]);
    expect((await ping(services.gateway, '624013000000000')).status).toBe(200);
    expect(Object.keys(services.storedRecords())).toHaveLength(1);
  }
});

test('Q1 an MSISDN that cannot exist gets 400 in production, and nothing is stored', async () => {
  const services = await startAttackedServices({ set: ['api.state=production'] });
  for (const MSISDN of [
    '+1',
    '+237',
    '671234567',
    '+2376712345678901',
    '+237671234567\nX',
    '+237671\n234567',
    'x'.repeat(10_240),
  ]) {
    const body = { IMSI: '624013000000000', MSISDN, seed_type: 'seed' };
    expect([MSISDN, (await post(`${services.gateway}/seeds/ping`, body)).status]).toEqual([MSISDN, 400]);
  }
  expect(services.storedRecords()).toEqual({});
});

test('Q1 an IMSI with the name of a member of Object.prototype is an ordinary IMSI', async () => {
  const services = await startAttackedServices();
  for (const imsi of ['__proto__', 'constructor', 'toString']) {
    expect((await get(`${services.gateway}/seeds/${imsi}`)).text).toBe('');
    expect((await ping(services.gateway, imsi)).status).toBe(200);
    expect((await get(`${services.gateway}/seeds/${imsi}`)).text).toBe(cameroon.MSISDN);
  }
  await services.stop();
  const restarted = await startAttackedServices({ folder: services.folder, clock: services.clock });
  expect(await active(restarted.gateway)).toEqual(['__proto__', 'constructor', 'toString']);
});

test('Q2 a user id that is a path, contains NUL or is too long gets 400 and no session', async () => {
  for (const state of ['testing', 'production']) {
    const services = await startAttackedServices({ set: [`api.state=${state}`] });
    const bad = ['..%2f', '..%2f..%2fetc', '%00', 'a%00', '%2e%2e', '..', '.', 'a%20b', 'x'.repeat(129)];
    for (const user of [...bad, 'x'.repeat(1_025), 'x'.repeat(10_240), '%F0%9F%98%80', 'a%0d%0ab']) {
      const status = await statusOf(services.gateway, `/v2/sync/users/${user}`);
      expect([shown(user), status]).toEqual([shown(user), 400]);
    }
    await expectService(services);
    await openSession(services.gateway, 'x'.repeat(64));
  }
});

test("Q3 when tokens are required, a ping with another IMSI's token gets 401, and nothing is stored", async () => {
  const secret = 'a secret of the operator';
  const services = await startAttackedServices({ set: [`seeds.token_secret=${secret}`] });
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
    expect(await ping(services.gateway, imsi, { authorization })).toMatchObject({
      status: 401,
      text: 'missing or wrong token',
    });
  }
  const unsigned = await post(`${services.gateway}/seeds`, { IMSI: other, MSISDN: cameroon.MSISDN });
  expect(unsigned.status).toBe(401);
  expect(services.storedRecords()).toEqual({});
  for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
    const authorization = `${scheme} ${mine}.${code}`;
    expect((await ping(services.gateway, mine, { authorization })).status).toBe(200);
  }
  expect(JSON.stringify(services.log.lines)).not.toContain(code);
});

test('Q4 a seed is listed at 19.9 s and gone at 20.1 s', async () => {
  const { gateway, clock } = await startAttackedServices();
  await ping(gateway, '624013000000000');
  clock.advance(19_900);
  expect(await active(gateway)).toEqual(['624013000000000']);
  expect((await get(`${gateway}/seeds/624013000000000`)).text).toBe(cameroon.MSISDN);
  clock.advance(200);
  expect(await active(gateway)).toEqual([]);
  expect(await get(`${gateway}/seeds/624013000000000`)).toMatchObject({ status: 200, text: '' });
});

test('Q4 setting the clock back or forward neither revives nor expires a seed', async () => {
  const { gateway, clock } = await startAttackedServices();
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
  // A ping after the clock was set back counts immediately.
  clock.setWall(0);
  await ping(gateway, early);
  expect(await active(gateway)).toEqual([early]);
});

/** The same load as 100,000 for limits that keep nothing of a rejected request. */
const newImsis = 10_000 * effort;

/** Pipelined requests, below the limit of pending requests per connection. */
const window = 250;

/** Sends pings, each with a new IMSI, over one connection. @returns the number of responses by status */
async function flood(url: string, first: number, count: number): Promise<Record<string, number>> {
  const socket = await connectTo(url);
  const statuses: Record<string, number> = {};
  let rest = '';
  let answered = 0;
  const send = (): void => {
    const batch = Array.from({ length: Math.min(window, count - answered) }, (_, index) => {
      const IMSI = String(624_013_000_000_000 + first + answered + index);
      const body = JSON.stringify({ IMSI, ...cameroon });
      return `POST /seeds/ping HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    });
    socket.write(batch.join(''));
  };
  const done = new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error(`closed after ${answered} answers`)));
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('latin1');
      // The rest may contain half a status line.
      let counted = Math.max(0, rest.length - 12);
      for (const match of rest.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
        const [line, status = ''] = match;
        statuses[status] = (statuses[status] ?? 0) + 1;
        answered++;
        counted = Math.max(counted, match.index + line.length);
        if (answered === count) resolve();
        else if (answered % window === 0) send();
      }
      rest = rest.slice(counted);
    });
  });
  send();
  await done;
  socket.removeAllListeners('close').destroy();
  return statuses;
}

test(`Q5 of ${newImsis} new IMSIs from one address only as many as the rate limit allows are accepted`, async () => {
  const services = await startAttackedServices({
    // The test is about the rate limit, on a busy machine too.
    set: ['limits.pings=300/1m', 'api.request_timeout=5m'],
  });
  const connections = 4;
  const floods = Array.from({ length: connections }, (_, index) =>
    flood(services.gateway, (index * newImsis) / connections, newImsis / connections),
  );
  const statuses = await Promise.all(floods);
  const sum = (status: string) => statuses.reduce((total, counted) => total + (counted[status] ?? 0), 0);
  expect([sum('200'), sum('429')]).toEqual([300, newImsis - 300]);
  expect(Object.keys(services.storedRecords())).toHaveLength(300);
  expect((await ping(services.gateway, '1'.repeat(15))).headers.get('retry-after')).toBe('60');
  services.clock.advance(60_000);
  expect((await ping(services.gateway, '1'.repeat(15))).status).toBe(200);
});

test('L8 above the limit of registrations the least recently seen are evicted, pinging seeds stay, and /readyz reports it', async () => {
  const services = await startAttackedServices({ set: ['seeds.max_registered=20', 'limits.pings=off'] });
  const seeds = async (url: string) => JSON.parse((await get(`${url}/readyz`)).text).checks.seeds;
  const metric = async (name: string) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await get(`${services.gateway}/metrics`)).text)?.[1]);
  const own = '9'.repeat(15);
  expect((await ping(services.gateway, own)).status).toBe(200);
  expect(await seeds(services.gateway)).toMatchObject({ ok: true });
  for (let round = 0; round < 25; round++) {
    expect(await flood(services.gateway, round * 20, 19)).toEqual({ 200: 19 });
    services.clock.advance(5_000);
    expect((await ping(services.gateway, own)).status).toBe(200);
  }
  expect(Object.keys(services.storedRecords())).toHaveLength(20);
  expect(await active(services.gateway)).toContain(own);
  // A bad result, such as of a check that ran while the clock advanced, is cached for a second.
  services.clock.advance(1_000);
  expect(await seeds(services.gateway)).toMatchObject({ ok: false, required: false, reason: 'full' });
  expect(await metric('swob_seeds_registered')).toBe(20);
  expect(await metric('swob_seeds_evicted_total')).toBe(456);
  services.clock.advance(60_000);
  await services.stop();
  const again = await startAttackedServices({ folder: services.folder, set: ['seeds.max_registered=20'] });
  expect((await ping(again.gateway, '1'.repeat(15))).status).toBe(200);
  expect(Object.keys(again.storedRecords())).toHaveLength(20);
});

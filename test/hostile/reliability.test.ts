// R6: ids of reliability tests that are guessed, used again, for another number or from a wrong sender.

import { expect, test } from 'vitest';
import { type Messaging, startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';
import { expectService } from './sms-fixture.ts';

const client = '+237650000001';
const other = '+237650000002';
const sender = '+237690826242';
const stranger = '+237690826243';

async function start({ gateway }: Messaging, number = client, body: unknown = '') {
  const { status, text } = await post(`${gateway}/v3/clients/${number}/tests`, body);
  return { status, ...JSON.parse(text) };
}
const arrive = ({ gateway }: Messaging, id: unknown, more: object = {}, path = '/v3/publish') =>
  post(`${gateway}${path}`, { text: String(id), address: sender, ...more });
const tests = async ({ gateway }: Messaging, query = '', number = client) =>
  JSON.parse((await get(`${gateway}/v3/clients/${number}/tests${query}`)).text);
const statusOf = async (services: Messaging, id: number): Promise<string> =>
  (await tests(services, '?per_page=100')).data.find((each: { id: number }) => each.id === id)?.status;
const reliability = async (services: Messaging): Promise<string[]> => {
  const list: { msisdn: string; reliability: string }[] = JSON.parse(
    (await get(`${services.gateway}/v3/clients`)).text,
  );
  return list.filter(({ msisdn }) => msisdn === client).map((each) => each.reliability);
};

const countOf = async ({ gateway }: Messaging, metric: string, label: string): Promise<number | undefined> =>
  readMetrics((await get(`${gateway}/metrics`)).text).find(
    ({ name, labels }) => name === metric && Object.values(labels).includes(label),
  )?.value;

async function startFixture(set: readonly string[] = []): Promise<Messaging> {
  const services = await startMessaging({ set: ['limits.guesses=20/1m', 'seeds.expiry=1d', ...set] });
  for (const [IMSI, MSISDN] of [
    ['624010000000001', client],
    ['624010000000002', other],
  ])
    await post(`${services.gateway}/seeds/ping`, { IMSI, MSISDN, seed_type: 'seed' });
  return services;
}

test('R6 counts the SMS of a running test once, by any route, and no other SMS', async () => {
  const services = await startFixture();
  const sentAt = services.clock.now();
  const first = await start(services);
  expect(first).toEqual({
    status: 200,
    message: 'Test started successfully.',
    test_id: expect.any(Number),
    test_start_time: Math.floor(sentAt / 1_000),
  });
  expect(first.test_id).toBeLessThan(2 ** 31);
  expect(await reliability(services)).toEqual(['0.00']);

  // Guessed, with other text, in another form, for another client, from no number.
  const refused = [400, '{"error":"message cannot be published"}'];
  const id: number = first.test_id;
  for (const [text, more] of [
    [id === 1_234_567_890 ? 1_234_567_891 : 1_234_567_890, {}],
    [4_294_967_296 + id, {}],
    [`test ${id}`, {}],
    [`0${id}`, {}],
    [id, { tag: other }],
    [id, { address: 'MTN' }],
    [id, { address: '8787' }],
  ] as const) {
    const { status, text: body } = await arrive(services, text, more);
    expect([status, body]).toEqual(refused);
  }
  expect(await statusOf(services, id)).toBe('pending');

  services.clock.advance(60_000);
  const times = { date: services.clock.now() - 2_000, date_sent: String(services.clock.now() - 9_000) };
  const arrived = await arrive(services, ` ${id}\n`, { ...times, tag: client });
  expect([arrived.status, arrived.text]).toEqual([200, '{"publisher_response":"reliability test recorded"}']);
  const inSeconds = (ms: number) => Math.floor((services.clock.now() + ms) / 1_000);
  expect(await tests(services)).toEqual({
    data: [
      {
        id,
        msisdn: client,
        start_time: first.test_start_time,
        sms_sent_time: inSeconds(-9_000),
        sms_received_time: inSeconds(-2_000),
        sms_routed_time: inSeconds(0),
        status: 'success',
      },
    ],
    total_records: 1,
    total_success: 1,
    total_failed: 0,
  });
  expect(await reliability(services)).toEqual(['100.00']);

  // Used again: by the same phone, which may have lost the response, and by others.
  expect((await arrive(services, id, { tag: client })).status).toBe(200);
  expect((await arrive(services, id, { address: stranger })).status).toBe(400);
  expect((await arrive(services, id, { tag: other })).status).toBe(400);
  expect((await tests(services)).total_success).toBe(1);
  expect((await tests(services, '', other)).total_records).toBe(0);

  // By the routes of 2022 and of relays, and by a client that names itself in the path.
  const paths = ['/sms/platform/gateway-client', '/sms/platform/237650000001', '/v1/publications'];
  for (const path of paths) {
    const { test_id } = await start(services, '237650000001');
    const reply = await arrive(services, test_id, { MSISDN: sender }, path);
    expect([reply.status, reply.text]).toEqual([200, expect.stringContaining('reliability test recorded')]);
    expect(await statusOf(services, test_id)).toBe('success');
  }
  expect(services.publisher.messages()).toEqual([]);
  expect(await countOf(services, 'swob_reliability_tests_total', 'success')).toBe(4);
  expect(await countOf(services, 'swob_sms_refusals_total', 'test')).toBeGreaterThan(0);
  await expectService(services);
});

test('R6 a test that is late, timed out, of another sender or of an unknown client is not a success', async () => {
  const services = await startFixture();
  expect(await start(services, '+237650000099')).toEqual({ status: 200, error: 'Gateway client not found' });
  const late = await start(services);
  const timedOut = await start(services);
  const own = await start(services, client, { sender, test_start_time: '2026-11-29T13:00:00' });
  expect((await arrive(services, own.test_id, { address: stranger })).status).toBe(400);
  expect(await statusOf(services, own.test_id)).toBe('pending');
  expect((await arrive(services, own.test_id)).status).toBe(200);
  expect(await reliability(services)).toEqual(['100.00']);

  services.clock.advance(180_001);
  expect((await arrive(services, late.test_id)).status).toBe(200);
  expect(await statusOf(services, late.test_id)).toBe('success');
  expect(await reliability(services)).toEqual(['33.33']);
  services.clock.advance(420_000);
  expect((await arrive(services, timedOut.test_id)).status).toBe(400);
  expect(await tests(services, '?status=timedout')).toMatchObject({
    data: [{ id: timedOut.test_id, sms_sent_time: null, sms_received_time: null, sms_routed_time: null }],
    total_records: 1,
    total_failed: 1,
  });
  expect((await tests(services, '?end_time=2001-01-01T00:00:00')).total_records).toBe(0);
  expect((await tests(services, '?start_time=2001-01-01&per_page=2')).data).toHaveLength(2);
  for (const query of ['?page=x', '?status=lost', '?start_time=now'])
    expect((await get(`${services.gateway}/v3/clients/${client}/tests${query}`)).status).toBe(400);
  expect(await countOf(services, 'swob_reliability_tests_total', 'timedout')).toBe(1);

  // The tests outlive the process.
  await services.stop();
  const again = await startMessaging({ folder: services.folder, clock: services.clock });
  expect(await tests(again)).toMatchObject({ total_records: 3, total_success: 2, total_failed: 1 });
  await expectService(again);
});

test('R6 guesses and starts are limited per address, and only allowed senders count', async () => {
  const services = await startFixture([
    `reliability.senders=${sender}`,
    'limits.tests=2/1h',
    'limits.guesses=3/1m',
  ]);
  for (const body of ['{', { sender: 7 }, { sender: 'MTN' }, { sender: stranger }])
    expect(await start(services, client, body)).toMatchObject({ status: 400, error: expect.any(String) });
  const { test_id } = await start(services);
  expect((await arrive(services, test_id, { address: stranger })).status).toBe(400);
  for (let n = 0; n < 5; n++) await arrive(services, 2_000_000_000 + n);
  // Its address has used up its guesses.
  expect((await arrive(services, test_id)).status).toBe(400);
  expect(await statusOf(services, test_id)).toBe('pending');
  services.clock.advance(60_000);
  expect((await arrive(services, test_id)).status).toBe(200);
  await start(services);
  expect(await start(services)).toMatchObject({ status: 429, error: expect.stringContaining('too many') });
  expect(await countOf(services, 'swob_reliability_tests_total', 'refused')).toBe(3);
  await expectService(services);
});

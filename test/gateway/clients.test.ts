// Which gateway clients work, as phones and web pages ask for it. docs/protocol.md, "Which number works".

import { expect, test, vi } from 'vitest';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';
import { encryptAsApp } from '../support/sms.ts';

const seedNumber = '+237650000001';
const phoneNumber = '+237690826242';

const ping = ({ gateway }: Messaging, IMSI: string, MSISDN: string) =>
  post(`${gateway}/seeds/ping`, { IMSI, MSISDN, seed_type: 'seed' });
let sent = 0;
/** An SMS of alice's that DekuSMS submits with this tag. */
const deliver = ({ gateway, sharedKey }: Messaging, tag: string, path = '/v3/publish') =>
  post(`${gateway}${path}`, { text: encryptAsApp(sharedKey, `g:${sent++}`), address: msisdn, tag });
const list = async ({ gateway }: Messaging, path: string) => {
  const { status, text, headers } = await get(`${gateway}${path}`);
  return { status, body: JSON.parse(text), headers };
};
const numbersOf = (body: { msisdn: string }[]) => body.map((each) => each.msisdn);

test('lists seeds that ping and phones that deliver, with filters and pages', async () => {
  const services = await startMessaging();
  expect((await list(services, '/v3/clients')).body).toEqual([]);
  const started = Math.floor(services.clock.now() / 1_000);
  await ping(services, '624010000000001', seedNumber);
  for (const path of ['/v3/publish', '/sms/platform/deku']) {
    services.clock.advance(5_000);
    expect((await deliver(services, '+237 690 826 242', path)).status).toBe(200);
  }
  // By the name of the platform, without a tag.
  await deliver(services, '', '/sms/platform/33612345678');
  // Neither a refused SMS nor a tag that is not a number makes a client.
  await post(`${services.gateway}/v3/publish`, { text: 'hello', address: msisdn, tag: '+237650393399' });
  await deliver(services, 'kitchen phone');

  const mtn = { country: 'Cameroon', operator: 'MTN Cameroon', operator_code: '62401' };
  const { body, headers } = await list(services, '/v3/clients');
  expect(body).toEqual([
    {
      ...mtn,
      last_published_date: started,
      msisdn: seedNumber,
      protocols: ['https'],
      reliability: '0.00',
    },
    expect.objectContaining({ msisdn: phoneNumber, country: 'Cameroon', last_published_date: started + 10 }),
    expect.objectContaining({ msisdn: '+33612345678', country: 'France' }),
  ]);
  expect(Object.values(body[1]).every((value) => value !== null)).toBe(true);
  expect(headers.get('x-total-count')).toBe('3');

  const numbers = async (query: string) => numbersOf((await list(services, `/v3/clients?${query}`)).body);
  expect(await numbers('country=CAMEROON')).toEqual([seedNumber, phoneNumber]);
  expect(await numbers('country=cameroon&operator=mtn&protocols=https')).toEqual([seedNumber]);
  expect(await numbers('protocols=https,ftp')).toEqual([]);
  const since = new Date((started + 10) * 1_000).toISOString();
  expect(await numbers(`last_published_date=${since}`)).toEqual([phoneNumber, '+33612345678']);
  expect(await numbers('last_published_date=2099-01-01')).toEqual([]);

  const page = await list(services, '/v3/clients?per_page=1&page=2&country=cameroon');
  expect(numbersOf(page.body)).toEqual([phoneNumber]);
  expect(['x-total-count', 'x-page', 'x-per-page'].map((name) => page.headers.get(name))).toEqual([
    '2',
    '2',
    '1',
  ]);
  const link = (rel: string, number: number) =>
    `<${services.gateway}/v3/clients?country=cameroon&page=${number}&per_page=1>; rel="${rel}"`;
  expect(page.headers.get('link')).toBe([link('first', 1), link('prev', 1), link('self', 2)].join(', '));
  expect((await list(services, '/v3/clients?per_page=1')).headers.get('link')).toContain(
    'page=3&per_page=1>; rel="last"',
  );
  expect((await list(services, '/v3/clients?per_page=5000')).headers.get('x-per-page')).toBe('100');
  const origin = { origin: 'https://app.example.org' };
  const exposed = (await get(`${services.gateway}/v3/clients`, { headers: origin })).headers;
  expect(exposed.get('access-control-expose-headers')).toBe('X-Total-Count, X-Page, X-Per-Page, Link');

  expect((await list(services, '/v3/clients/countries')).body).toEqual(['Cameroon', 'France']);
  expect((await list(services, '/v3/clients/cameroon/operators')).body).toContain('MTN Cameroon');
  expect((await list(services, '/v3/clients/FRANCE/operators')).body).toHaveLength(1);
  expect((await list(services, '/v3/clients/Chad/operators')).body).toEqual([]);
  const [one, ...others] = (await list(services, '/v1/gateway-clients?msisdn=237650000001')).body;
  expect([one, others]).toEqual([{ ...mtn, msisdn: seedNumber, protocols: ['https'] }, []]);
  expect(numbersOf((await list(services, '/v1/gateway-clients?country=france')).body)).toEqual([
    '+33612345678',
  ]);

  // A restart keeps the phones; a seed has to ping again.
  await services.stop();
  const later = await startMessaging({ folder: services.folder });
  expect(numbersOf((await list(later, '/v3/clients')).body)).toContain(phoneNumber);

  const fault = 'Invalid page or per_page parameter. Must be positive integers.';
  const faults = {
    'page=0': fault,
    'per_page=-1': fault,
    'page=1e3': fault,
    'last_published_date=yesterday':
      'Invalid last_published_date. Please provide a valid ISO format datetime (YYYY-MM-DD).',
    'country=a&country=b': 'Invalid country parameter. Must be given once, with at most 100 characters.',
  };
  for (const [query, error] of Object.entries(faults)) {
    expect(await list(later, `/v3/clients?${query}`)).toMatchObject({ status: 400, body: { error } });
  }
});

test('an address adds a few new clients only', async () => {
  const services = await startMessaging();
  for (let n = 0; n < 25; n++) expect((await deliver(services, `+2376900000${10 + n}`)).status).toBe(200);
  await vi.waitFor(async () => {
    const { text } = await get(`${services.gateway}/metrics`);
    const refusals = readMetrics(text).filter(({ labels }) => labels.limit === 'client:address');
    expect(refusals.map(({ value }) => value)).toEqual([5]);
  });
  expect((await list(services, '/v3/clients?per_page=100')).body).toHaveLength(20);
  await deliver(services, '+237690000010');
  expect((await list(services, '/v3/clients?per_page=100')).body).toHaveLength(20);
});

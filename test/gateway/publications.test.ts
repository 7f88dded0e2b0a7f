// The routes of today's phones: DekuSMS and relays submit SMS to them. docs/protocol.md, "Publishing".

import { expect, test } from 'vitest';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';
import { post, type TextResponse } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';

/** As DekuSMS encodes its RouterItem: pretty, without the members that are null by default. */
function routerItem(text: string, address = msisdn, tag?: string): string {
  const item = {
    thread_id: 7,
    address,
    date: 1_764_421_200_123,
    date_sent: 1_764_421_199_000,
    read: 0,
    status: -1,
    type: 1,
    body: text,
    text,
    sub_id: 2,
    ...(tag !== undefined && { tag }),
  };
  return JSON.stringify(item, null, 4);
}

const dekuHeaders = {
  'accept-encoding': 'compress;q=0.5, gzip;q=1.0',
  accept: 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2',
};

const json = ({ status, text, headers }: TextResponse) => [
  status,
  headers.get('content-type'),
  JSON.parse(text) as unknown,
];
const ofType = (status: number, body: object) => [status, 'application/json; charset=utf-8', body];
const published = ofType(200, { publisher_response: 'message published successfully' });
const v3 = (services: Messaging, body: unknown, headers = {}) =>
  post(`${services.gateway}/v3/publish`, body, headers);

test('DekuSMS publishes by its own body on either route; the same SMS by three concurrent routes is one message', async () => {
  const services = await startMessaging();
  const sms = (message: string) => encryptAsApp(services.sharedKey, message);
  expect(json(await v3(services, routerItem(sms('g:1'), msisdn, msisdn), dekuHeaders))).toEqual(published);
  const old = await services.post(routerItem(sms('g:2')), dekuHeaders);
  expect([old.status, old.text]).toEqual([200, 'message published successfully']);

  const text = sms('g:3');
  const responses = await Promise.all([
    v3(services, routerItem(text)),
    services.post({ text, MSISDN: msisdn, address: '+237650000000' }),
    post(`${services.gateway}/v1/publications`, { address: msisdn, text }),
    v3(services, { text: text.replace(/=+$/, ''), MSISDN: msisdn }),
  ]);
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(json(responses[2] as TextResponse)).toEqual(
    ofType(200, { message: 'message published successfully' }),
  );
  const ids = responses.map(({ headers }) => headers.get('x-message-id'));
  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(services.publisher.messages().map(({ message }) => message)).toEqual(['g:1', 'g:2', 'g:3']);

  for (const empty of [null, '', undefined]) {
    const body = { text: sms(`g:${empty}`), MSISDN: empty, address: msisdn };
    expect((await services.post(body)).text).toBe('message published successfully');
    expect(json(await v3(services, { ...body, date: '1764421200123', date_sent: 0 }))).toEqual(published);
  }
});

test('bodies are read leniently, and their faults are named with their place', async () => {
  const services = await startMessaging();
  const text = encryptAsApp(services.sharedKey, 'g:wrapped').replace(/.{1,76}/g, '$&\n');
  const raw = `\ufeff{"text":"${text}","address":"${msisdn}"}`;
  const types = ['application/json', 'text/plain', 'nonsense', 'application/x-www-form-urlencoded'];
  for (const type of types) {
    expect(json(await v3(services, raw, { 'content-type': type }))).toEqual(published);
    expect((await services.post(raw, { 'content-type': type })).text).toBe('message published successfully');
  }
  expect(services.publisher.messages()).toHaveLength(1);

  const faults: [body: string, reason: string][] = [
    ['', 'expected a value, but the text ends at line 1, column 1'],
    ['{"text":"a"\n"MSISDN":"b"}', "expected ',' or '}' at line 2, column 1"],
    ['{"text":"a"} trailing', 'more text after the end of the JSON at line 1, column 14'],
    ['[]', 'expected an object'],
    ['{"__proto__":{"text":"a"},"text":"a"}', 'a member is named __proto__ or constructor'],
    [`{"text":${'['.repeat(100)}`, 'nested too deeply'],
  ];
  for (const [body, reason] of faults) {
    expect(json(await v3(services, body))).toEqual(ofType(400, { error: `not JSON: ${reason}` }));
    const publication = await post(`${services.gateway}/v1/publications`, body);
    expect(json(publication)).toEqual(ofType(400, { detail: `not JSON: ${reason}` }));
    const old = await services.post(body);
    expect([old.status, old.text, old.headers.get('x-error-detail')]).toEqual([
      400,
      'invalid data type, json expected',
      reason,
    ]);
  }
  for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const response = await v3(services, 'text=a&MSISDN=b', { 'content-type': type });
    expect(json(response)).toEqual(ofType(415, { error: 'a form cannot be read here: send JSON' }));
  }
});

test('R1: malformed members are refused by name in JSON, and nothing is kept', async () => {
  const services = await startMessaging();
  const text = encryptAsApp(services.sharedKey, 'g:hello');
  const good = { text, address: msisdn, date: 1_764_421_200_123, date_sent: '1764421199000' };
  const bad: [body: unknown, error: string | RegExp][] = [
    [{ ...good, text: undefined }, 'Missing required field: text'],
    [{ ...good, text: '' }, 'Missing required field: text'],
    [{ ...good, text: 1 }, /^text is not well formed/],
    [{ ...good, address: null }, 'Missing required field: address or MSISDN'],
    [{ ...good, address: { a: 1 } }, /^address is not well formed/],
    [{ ...good, address: [msisdn] }, /^address is not well formed/],
    [{ ...good, address: 237_650_393_369 }, /^address is not well formed/],
    [{ ...good, address: '+'.repeat(10_240) }, /^address is not well formed/],
    [{ ...good, MSISDN: [msisdn] }, /^MSISDN is not well formed/],
    [JSON.stringify(good).replace('1764421200123', '1e400'), /^date is not well formed/],
    [{ ...good, date: 'yesterday' }, /^date is not well formed/],
    [{ ...good, date: -1 }, /^date is not well formed/],
    [{ ...good, date_sent: '-1' }, /^date_sent is not well formed/],
    [{ ...good, date_sent: {} }, /^date_sent is not well formed/],
    [{ ...good, date: true }, /^date is not well formed/],
    [{ ...good, address: 'MTN' }, 'message cannot be published'],
    [{ ...good, text: 'hello' }, 'message cannot be published'],
  ];
  for (const [body, error] of bad) {
    const response = await v3(services, body);
    const expected = typeof error === 'string' ? error : expect.stringMatching(error);
    expect([body, json(response)]).toEqual([body, ofType(400, { error: expected })]);
    expect(response.headers.get('x-message-id')).toBeNull();
  }
  const publication = (body: object) => post(`${services.gateway}/v1/publications`, body);
  for (const [body, detail] of [
    [{ text }, 'Missing required field: address'],
    [{ address: msisdn }, 'Missing required field: text'],
    [{ text: 'hello', address: msisdn }, 'message cannot be published'],
  ] as const) {
    expect(json(await publication(body))).toEqual(ofType(400, { detail }));
  }
  expect(services.publisher.messages()).toEqual([]);
  const tooLarge = await v3(services, { ...good, text: 'A'.repeat(200_000) });
  expect(json(tooLarge)).toEqual(ofType(413, { error: 'body too large' }));
  expect(json(await v3(services, good))).toEqual(published);
});

test('limits and outages are answered in JSON too', async () => {
  const services = await startMessaging({ set: ['limits.sms=2/1m'] });
  await services.publisher.close();
  const body = { text: encryptAsApp(services.sharedKey, 'g:kept'), address: msisdn };
  expect(json(await v3(services, body))).toEqual(ofType(202, { publisher_response: 'accepted' }));
  const publication = () => post(`${services.gateway}/v1/publications`, body);
  expect(json(await publication())).toEqual(ofType(200, { message: 'accepted' }));
  const limited = [await v3(services, body), await publication()];
  const message = expect.stringMatching(/^too many SMS, try again in \d+ s$/) as string;
  expect(limited.map(json)).toEqual([ofType(429, { error: message }), ofType(429, { detail: message })]);
  expect(limited.map(({ headers }) => Number(headers.get('retry-after')) > 0)).toEqual([true, true]);
});

// docs/protocol.md, M7: SMS from other platforms, of which Twilio must sign its requests.

import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { exchange, request } from './raw.ts';
import { expectService, message, statusAndText } from './sms-fixture.ts';

test('M7: an unknown platform gets 404, whatever its name', async () => {
  const services = await startMessaging({ set: ['twilio.auth_token=12345'] });
  const body = JSON.stringify({ text: encryptAsApp(services.sharedKey, message), MSISDN: msisdn });
  const names = ['__proto__', 'toString', '../x', '..%2fx', '', 'gateway-client/', 'Gateway-Client'];
  for (const name of [...names, 'x'.repeat(33), 'x'.repeat(5_000), 'deku_sms', 'd%C3%A9ku']) {
    const head = [`Content-Type: application/json`, `Content-Length: ${body.length}`];
    const response = await exchange(services.gateway, request('POST', `/sms/platform/${name}`, head, body));
    expect([name, response.slice(0, 13)]).toEqual([name, 'HTTP/1.1 404 ']);
  }
  await expectService(services);
});

/** Twilio's signature, as its documentation describes it. */
function signed(token: string, url: string, form: Record<string, string>): string {
  const text = Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`)
    .join('');
  return createHmac('sha1', token).update(`${url}${text}`).digest('base64');
}

test('M7: a request from Twilio is accepted only with its signature over the configured URL', async () => {
  const publicUrl = 'https://gw.example.org';
  const services = await startMessaging({
    set: ['twilio.auth_token=12345', `api.public_url=${publicUrl}`],
  });
  const path = '/sms/platform/twilio';
  const form = {
    From: msisdn,
    Body: encryptAsApp(services.sharedKey, message),
    To: '+15024439537',
    NumSegments: '2',
  };
  const call = (signature: string | undefined, fields: Record<string, string> = form, query = '') =>
    post(`${services.gateway}${path}${query}`, new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      ...(signature !== undefined && { 'x-twilio-signature': signature }),
      'x-forwarded-host': 'evil.example',
    });
  const good = signed('12345', `${publicUrl}${path}`, form);
  const forged = [
    undefined,
    '',
    'x',
    signed('other', `${publicUrl}${path}`, form),
    signed('12345', `${services.gateway}${path}`, form),
    signed('12345', `https://evil.example${path}`, form),
    signed('12345', `${publicUrl}${path}`, { ...form, From: '+1' }),
    good.toLowerCase(),
    `${good}=`,
  ];
  for (const signature of forged) expect((await call(signature)).status).toBe(403);
  expect((await call(good, { ...form, Body: 'other' })).status).toBe(403);
  expect((await call(good, form, '?a=b')).status).toBe(403);
  expect(services.publisher.messages()).toEqual([]);

  // TwiML without a message: Twilio would send plain text to the sender as an SMS.
  const response = await call(good);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8']);
  expect(response.text).toMatch(/<Response><!-- message published successfully --><\/Response>$/);
  const withQuery = signed('12345', `${publicUrl}${path}?a=b`, form);
  const { text: clients } = await get(`${services.gateway}/v3/clients`);
  expect(JSON.parse(clients)).toMatchObject([{ msisdn: '+15024439537', country: 'United States' }]);
  // The same SMS by another platform is published once.
  expect(statusAndText(await call(withQuery, form, '?a=b'))).toEqual([200, response.text]);
  await expectService(services, 1);
});

test('M7: without [twilio] auth_token every request from Twilio is rejected', async () => {
  const services = await startMessaging();
  const form = { From: msisdn, Body: encryptAsApp(services.sharedKey, message) };
  const url = `${services.gateway}/sms/platform/twilio`;
  const response = await post(url, new URLSearchParams(form).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    'x-twilio-signature': signed('', url, form),
  });
  expect(response.status).toBe(403);
  await expectService(services);
});

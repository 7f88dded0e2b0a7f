// docs/protocol.md, "Inbound SMS": each row is sent to the running gateway, and none of it reaches the Publisher.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from '../support/any-text.ts';
import { msisdn, startMessaging } from '../support/messaging.ts';
import { encryptAsApp, isReadableByChance } from '../support/sms.ts';
import { connectTo, request } from './raw.ts';
import { expectService, message, notPublished, statusAndText } from './sms-fixture.ts';

/** The outer layer of a text, as bytes: IV and inner base64. */
const outer = (text: string): Buffer => Buffer.from(text, 'base64');
const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
};

/** A bit of each byte, each time the next one; test/crypto/sms-cipher.test.ts flips all of them. */
const bitsOf = (bytes: Buffer): number[] => Array.from(bytes, (_, index) => index * 8 + (index % 8));

test('M1: a flipped bit of the ciphertext gets the same response, and nothing is published', async () => {
  const services = await startMessaging();
  const good = outer(encryptAsApp(services.sharedKey, message));
  const iv = good.subarray(0, 16);
  const ciphertext = Buffer.from(good.subarray(16).toString(), 'base64');
  for (const bit of bitsOf(ciphertext)) {
    const changed = flipped(ciphertext, bit);
    if (isReadableByChance(services.sharedKey, iv, changed)) continue;
    const text = Buffer.concat([iv, Buffer.from(changed.toString('base64'))]).toString('base64');
    const response = await services.post({ text, MSISDN: msisdn });
    expect([bit, ...statusAndText(response)]).toEqual([bit, ...notPublished]);
    expect(response.headers.get('x-message-id')).toBeNull();
  }
  await expectService(services);
});

test('M1: a flipped bit of the text gets that response too, or changes only the sender’s own first block', async () => {
  const services = await startMessaging();
  const good = outer(encryptAsApp(services.sharedKey, message));
  for (const bit of bitsOf(good)) {
    const changed = flipped(good, bit);
    const ciphertext = Buffer.from(changed.subarray(16).toString('latin1'), 'base64');
    if (bit >= 16 * 8 && isReadableByChance(services.sharedKey, changed.subarray(0, 16), ciphertext))
      continue;
    const response = await services.post({ text: changed.toString('base64'), MSISDN: msisdn });
    // The format has no MAC: a flipped bit of an IV that stays printable flips the same bit of the first block.
    const malleable = bit < 16 * 8;
    if (malleable && response.text === 'message published successfully') continue;
    expect([bit, ...statusAndText(response)]).toEqual([bit, ...notPublished]);
  }
  for (const { message: published } of services.publisher.messages()) {
    expect(published.slice(16)).toBe(message.slice(16));
  }
});

test('M2: a text that is not in our format gets the response of one that is not for us, however it is malformed', async () => {
  const services = await startMessaging();
  const iv = '0123456789abcdef';
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
  const block = base64(Buffer.alloc(16, 7));
  const texts = [
    'hello, how are you?',
    'Your balance is 50 XAF.',
    'hello',
    '====',
    '!'.repeat(64),
    'é'.repeat(64),
    '\u0000\u0001',
    base64('short'),
    base64(iv),
    base64(`${iv}not base64!`),
    base64(`${iv}${base64(Buffer.alloc(15))}`),
    base64(`${iv}${base64(Buffer.alloc(17))}`),
    base64(`${iv}=${block}`),
    base64(Buffer.concat([Buffer.alloc(16, 0xff), Buffer.from(block)])),
    base64(Buffer.concat([Buffer.alloc(16, 0), Buffer.from(block)])),
    base64(`é${iv.slice(1)}${block}`),
    base64(iv + block),
    base64(iv + block).replace(/=*$/, ''),
  ];
  for (const text of texts) {
    expect([text, ...statusAndText(await services.post({ text, MSISDN: msisdn }))]).toEqual([
      text,
      ...notPublished,
    ]);
  }
  const any = fc.oneof(anyText({ minLength: 1 }), fc.base64String({ minLength: 4 }));
  await fc.assert(
    fc.asyncProperty(any, async (text) => {
      expect(statusAndText(await services.post({ text, MSISDN: msisdn }))).toEqual(notPublished);
    }),
    { numRuns: 100 },
  );
  await expectService(services);
});

test('M2: bodies that violate the protocol get the error texts that it fixes', async () => {
  const services = await startMessaging();
  const text = encryptAsApp(services.sharedKey, message);
  const notJson = [400, 'invalid data type, json expected'];
  const requests: [body: unknown, headers: Record<string, string>, response: (string | number)[]][] = [
    ['', {}, notJson],
    ['{', {}, notJson],
    ['text=a&MSISDN=b', { 'content-type': 'application/x-www-form-urlencoded' }, notJson],
    [`${JSON.stringify({ text, MSISDN: msisdn })} trailing`, {}, notJson],
    ['[]', {}, notJson],
    ['null', {}, notJson],
    ['"text"', {}, notJson],
    [`{"__proto__":{"text":"a"},"text":"a","MSISDN":"b"}`, {}, notJson],
    [{}, {}, [400, 'missing key - text']],
    [{ MSISDN: msisdn }, {}, [400, 'missing key - text']],
    [{ text }, {}, [400, 'missing key - MSISDN']],
    [{ text: '', MSISDN: msisdn }, {}, [400, 'missing key - text']],
    [{ text: 1, MSISDN: msisdn }, {}, [400, 'text is not well formed']],
    [{ text, MSISDN: [msisdn] }, {}, [400, 'MSISDN is not well formed']],
  ];
  for (const [body, headers, response] of requests) {
    expect([body, ...statusAndText(await services.post(body, headers))]).toEqual([body, ...response]);
  }
  // The old server ignored the content type.
  for (const type of ['text/plain', 'application/json; charset=utf-8', 'nonsense']) {
    const response = await services.post(JSON.stringify({ text, MSISDN: msisdn }), { 'content-type': type });
    expect([type, ...statusAndText(response)]).toEqual([type, 200, 'message published successfully']);
  }
  await expectService(services, 1);
});

test('M3: a repeated SMS, consecutive or concurrent, is published once and gets the same response', async () => {
  const services = await startMessaging();
  const body = { text: encryptAsApp(services.sharedKey, message), MSISDN: msisdn };
  const responses = await Promise.all(Array.from({ length: 20 }, () => services.post(body)));
  responses.push(await services.post(body));
  expect(new Set(responses.map(({ status, text }) => `${status} ${text}`))).toEqual(
    new Set(['200 message published successfully']),
  );
  expect(new Set(responses.map(({ headers }) => headers.get('x-message-id'))).size).toBe(1);
  expect(services.publisher.messages()).toHaveLength(1);
});

test('M4: an unknown or invalid sender is refused without saying which', async () => {
  const services = await startMessaging();
  const text = encryptAsApp(services.sharedKey, message);
  const senders = [
    '+237699999999',
    `${msisdn}\r\nX: y`,
    `${msisdn.slice(0, 6)}\n${msisdn.slice(6)}`,
    '+२३७६५०३९३३६९',
    'MTN',
    '8787',
    '../../alice',
    'x'.repeat(10_000),
    '\u0000',
  ];
  for (const MSISDN of senders) {
    expect([MSISDN, ...statusAndText(await services.post({ text, MSISDN }))]).toEqual([
      MSISDN,
      ...notPublished,
    ]);
  }
  await expectService(services);
});

test('M4: in production a sender must be a number that can exist', async () => {
  const services = await startMessaging({ set: ['api.state=production'] });
  const text = encryptAsApp(services.sharedKey, message);
  for (const MSISDN of ['alice', '650393369', '+2376503', '+0237650393369', '+23750393369']) {
    expect(statusAndText(await services.post({ text, MSISDN }))).toEqual(notPublished);
  }
  expect(services.developer.requests()).toEqual([]);
  await expectService(services);
});

test('M5: while the Publisher is down an SMS is accepted and kept, and published once when it is back', async () => {
  const services = await startMessaging({ publisher: { mode: 'refuse' }, set: ['publisher.retry_pause=1s'] });
  const body = { text: encryptAsApp(services.sharedKey, message), MSISDN: msisdn };
  expect(statusAndText(await services.post(body))).toEqual([202, 'message accepted']);
  expect(statusAndText(await services.post(body))).toEqual([202, 'message accepted']);
  services.publisher.setMode('normal');
  services.clock.advance(1_000);
  await expect.poll(() => services.publisher.messages().length).toBe(1);
  expect(statusAndText(await services.post(body))).toEqual([202, 'message accepted']);
  expect(services.publisher.messages()).toHaveLength(1);
});

test('M6: a text of 20 MB is refused, and so is one longer than an SMS', async () => {
  const services = await startMessaging();
  for (const length of [20_000_000, 140_000]) {
    const body = JSON.stringify({ text: 'A'.repeat(length), MSISDN: msisdn });
    const head = [`Content-Type: application/json`, `Content-Length: ${body.length}`];
    const socket = await connectTo(services.gateway);
    let response = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      response += chunk;
    });
    socket.write(request('POST', '/sms/platform/gateway-client', head, body));
    // Not `once` of node:events, which rejects when the client cannot send a body that the server does not read.
    await new Promise((resolve) => socket.once('close', resolve));
    expect(response).toMatch(/^HTTP\/1\.1 413 /);
  }
  expect(statusAndText(await services.post({ text: 'A'.repeat(100_000), MSISDN: msisdn }))).toEqual(
    notPublished,
  );
  await expectService(services);
});

test('an address that exceeds its rate limit gets 429', async () => {
  const services = await startMessaging({ set: ['limits.sms=3/1m'] });
  for (let n = 0; n < 3; n++) expect((await services.send(`g:${n}`)).status).toBe(200);
  const limited = await services.send('g:4');
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
  expect(services.publisher.messages()).toHaveLength(3);
});

test('R2: strangers who send SMS while the back end is down do not displace users’ messages, and learn nothing', async () => {
  const services = await startMessaging({ set: ['publisher.max_kept=200', 'limits.sms=off'] });
  expect((await services.send(message)).status).toBe(200);
  await services.developer.close();
  services.publisher.setMode('refuse');
  services.clock.leap(700_000);
  const spam = (n: number) =>
    services.post({
      text: encryptAsApp('f'.repeat(32), `g:${n}`),
      MSISDN: `+23769900${String(n).padStart(4, '0')}`,
    });
  const responses = await Promise.all(Array.from({ length: 200 }, (_, n) => spam(n)));
  const statuses = responses.map(({ status }) => status);
  expect(statuses.filter((status) => status === 202)).toHaveLength(20);
  expect(statuses.filter((status) => status === 503)).toHaveLength(180);
  const full = responses.find(({ status }) => status === 503);
  expect(full?.text).toBe('no more messages are taken now');
  expect(full?.headers.get('retry-after')).toBe('30');
  // The key identifies a user whose SMS was published before.
  for (let n = 0; n < 20; n++) expect((await services.send(`g:${n}`)).status).toBe(202);
  const metrics = await (await fetch(`${services.gateway}/metrics`)).text();
  expect(metrics).toContain('swob_outbox_unverified 20');
  expect(metrics).toContain('swob_unverified_sms_total{outcome="refused"} 180');
  expect(metrics).toContain('swob_sms_refusals_total{reason="unverified_sender"} 180');
  expect(metrics).toContain('swob_publisher_calls_total{outcome="published"} 1');
});

// HOSTILE.md, "Inbound SMS": what a row sends goes to the running gateway, and nothing of it reaches the Publisher.

import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';
import { type Answer, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { connectTo, exchange, request } from './raw.ts';

const message = 'g:to@example.org:cc:bcc:subject:body';
const cannot = [200, 'message cannot be published'];
const shown = ({ status, text }: Answer) => [status, text];

/** The next good SMS is published, and nothing else was. */
async function expectService({ publisher, send }: Messaging, already = 0): Promise<void> {
  expect(publisher.messages()).toHaveLength(already);
  expect(shown(await send(message))).toEqual([200, 'message published successfully']);
  expect(publisher.messages().at(-1)).toMatchObject({ MSISDN: msisdn, message });
}

/** The outer layer of a text, as bytes: IV and inner base64. */
const outer = (text: string): Buffer => Buffer.from(text, 'base64');
const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
};

test('M1: every flipped bit of the ciphertext has one answer, and nothing is published', async () => {
  const world = await startMessaging();
  const good = outer(encryptAsApp(world.sharedKey, message));
  const iv = good.subarray(0, 16);
  const ciphertext = Buffer.from(good.subarray(16).toString(), 'base64');
  for (let bit = 0; bit < ciphertext.length * 8; bit++) {
    const inner = flipped(ciphertext, bit).toString('base64');
    const text = Buffer.concat([iv, Buffer.from(inner)]).toString('base64');
    const answer = await world.post({ text, MSISDN: msisdn });
    expect([bit, ...shown(answer)]).toEqual([bit, ...cannot]);
    expect(answer.headers.get('x-message-id')).toBeNull();
  }
  await expectService(world);
});

test('M1: every flipped bit of the text itself has that answer, or is the sender’s own first block', async () => {
  const world = await startMessaging();
  const good = outer(encryptAsApp(world.sharedKey, message));
  for (let bit = 0; bit < good.length * 8; bit++) {
    const answer = await world.post({ text: flipped(good, bit).toString('base64'), MSISDN: msisdn });
    // The format has no MAC: a flipped bit of the IV that leaves it printable flips one of the first block.
    const malleable = bit < 16 * 8;
    if (malleable && answer.text === 'message published successfully') continue;
    expect([bit, ...shown(answer)]).toEqual([bit, ...cannot]);
  }
  for (const { message: published } of world.publisher.messages()) {
    expect(published.slice(16)).toBe(message.slice(16));
  }
});

test('M2: what has not our form is answered as what is not for us, in every way in which it can fail', async () => {
  const world = await startMessaging();
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
    expect([text, ...shown(await world.post({ text, MSISDN: msisdn }))]).toEqual([text, ...cannot]);
  }
  const any = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.base64String({ minLength: 4 }));
  await fc.assert(
    fc.asyncProperty(any, async (text) => {
      expect(shown(await world.post({ text, MSISDN: msisdn }))).toEqual(cannot);
    }),
    { numRuns: 200 },
  );
  await expectService(world);
});

test('M2: bodies that are not what the contract says get its words', async () => {
  const world = await startMessaging();
  const text = encryptAsApp(world.sharedKey, message);
  const notJson = [400, 'invalid data type, json expected'];
  const asked: [body: unknown, headers: Record<string, string>, answer: (string | number)[]][] = [
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
  for (const [body, headers, answer] of asked) {
    expect([body, ...shown(await world.post(body, headers))]).toEqual([body, ...answer]);
  }
  // The old server did not look at the type.
  for (const type of ['text/plain', 'application/json; charset=utf-8', 'nonsense']) {
    const answer = await world.post(JSON.stringify({ text, MSISDN: msisdn }), { 'content-type': type });
    expect([type, ...shown(answer)]).toEqual([type, 200, 'message published successfully']);
  }
  await expectService(world, 1);
});

test('M3: the same SMS again, and many times at once, is published once and answered the same', async () => {
  const world = await startMessaging();
  const body = { text: encryptAsApp(world.sharedKey, message), MSISDN: msisdn };
  const answers = await Promise.all(Array.from({ length: 20 }, () => world.post(body)));
  answers.push(await world.post(body));
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
    new Set(['200 message published successfully']),
  );
  expect(new Set(answers.map(({ headers }) => headers.get('x-message-id'))).size).toBe(1);
  expect(world.publisher.messages()).toHaveLength(1);
});

test('M4: a sender who is unknown, or is none, is refused without telling which', async () => {
  const world = await startMessaging();
  const text = encryptAsApp(world.sharedKey, message);
  const senders = [
    '+237699999999',
    `${msisdn}\r\nX: y`,
    `${msisdn}\n`,
    '+٢٣٧٦٥٠٣٩٣٣٦٩',
    '＋237650393369',
    'MTN',
    '../../alice',
    'x'.repeat(10_000),
    '\u0000',
  ];
  for (const MSISDN of senders) {
    expect([MSISDN, ...shown(await world.post({ text, MSISDN }))]).toEqual([MSISDN, ...cannot]);
  }
  await expectService(world);
});

test('M4: in production a sender is a number that could exist', async () => {
  const world = await startMessaging({ set: ['api.state=production'] });
  const text = encryptAsApp(world.sharedKey, message);
  for (const MSISDN of ['alice', '237650393369', '+2376503', '+0237650393369']) {
    expect(shown(await world.post({ text, MSISDN }))).toEqual(cannot);
  }
  expect(world.developer.requests()).toEqual([]);
  await expectService(world);
});

test('M5: while the Publisher is down it is accepted, kept, and published once when it is back', async () => {
  const world = await startMessaging({ publisher: { mode: 'refuse' } });
  const body = { text: encryptAsApp(world.sharedKey, message), MSISDN: msisdn };
  expect(shown(await world.post(body))).toEqual([202, 'message accepted']);
  expect(shown(await world.post(body))).toEqual([202, 'message accepted']);
  world.publisher.setBehaviour('normal');
  world.clock.advance(1_000);
  await expect.poll(() => world.publisher.messages().length).toBe(1);
  expect(shown(await world.post(body))).toEqual([202, 'message accepted']);
  expect(world.publisher.messages()).toHaveLength(1);
});

test('M6: 20 MB of text are refused, and so is what is over an SMS', async () => {
  const world = await startMessaging();
  for (const length of [20_000_000, 140_000]) {
    const body = JSON.stringify({ text: 'A'.repeat(length), MSISDN: msisdn });
    const head = [`Content-Type: application/json`, `Content-Length: ${body.length}`];
    const socket = await connectTo(world.gateway);
    let answer = '';
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    socket.write(request('POST', '/sms/platform/gateway-client', head, body));
    // Not `once` of node:events: the rest of a body that nobody reads is an error of this end.
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  }
  expect(shown(await world.post({ text: 'A'.repeat(100_000), MSISDN: msisdn }))).toEqual(cannot);
  await expectService(world);
});

test('M7: a platform that does not exist is 404, whatever it is called', async () => {
  const world = await startMessaging({ set: ['twilio.auth_token=12345'] });
  const body = JSON.stringify({ text: encryptAsApp(world.sharedKey, message), MSISDN: msisdn });
  const names = [
    '__proto__',
    'constructor',
    'toString',
    '../x',
    '..%2fx',
    '',
    'gateway-client/',
    'Gateway-Client',
  ];
  for (const name of [...names, 'x'.repeat(5_000), 'twilio2']) {
    const head = [`Content-Type: application/json`, `Content-Length: ${body.length}`];
    const answer = await exchange(world.gateway, request('POST', `/sms/platform/${name}`, head, body));
    expect([name, answer.slice(0, 13)]).toEqual([name, 'HTTP/1.1 404 ']);
  }
  await expectService(world);
});

/** Twilio's signature, by its documentation. */
function signed(token: string, url: string, form: Record<string, string>): string {
  const text = Object.keys(form)
    .sort()
    .map((name) => `${name}${form[name]}`)
    .join('');
  return createHmac('sha1', token).update(`${url}${text}`).digest('base64');
}

test('M7: Twilio is believed with its signature only, over the URL of the configuration', async () => {
  const publicUrl = 'https://gw.example.org';
  const world = await startMessaging({
    set: ['twilio.auth_token=12345', `api.public_url=${publicUrl}`],
  });
  const path = '/sms/platform/twilio';
  const form = { From: msisdn, Body: encryptAsApp(world.sharedKey, message), To: '+1', NumSegments: '2' };
  const call = (signature: string | undefined, fields: Record<string, string> = form, query = '') =>
    post(`${world.gateway}${path}${query}`, new URLSearchParams(fields).toString(), {
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
    signed('12345', `${world.gateway}${path}`, form),
    signed('12345', `https://evil.example${path}`, form),
    signed('12345', `${publicUrl}${path}`, { ...form, From: '+1' }),
    good.toLowerCase(),
    `${good}=`,
  ];
  for (const signature of forged) expect((await call(signature)).status).toBe(403);
  expect((await call(good, { ...form, Body: 'other' })).status).toBe(403);
  expect((await call(good, form, '?a=b')).status).toBe(403);
  expect(world.publisher.messages()).toEqual([]);

  // TwiML that sends nothing: Twilio would text a plain answer to the sender.
  const answer = await call(good);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/xml; charset=utf-8']);
  expect(answer.text).toMatch(/<Response><!-- message published successfully --><\/Response>$/);
  const withQuery = signed('12345', `${publicUrl}${path}?a=b`, form);
  // The same SMS on another way: published once.
  expect(shown(await call(withQuery, form, '?a=b'))).toEqual([200, answer.text]);
  await expectService(world, 1);
});

test('M7: without [twilio] auth_token nothing is taken from Twilio', async () => {
  const world = await startMessaging();
  const form = { From: msisdn, Body: encryptAsApp(world.sharedKey, message) };
  const url = `${world.gateway}/sms/platform/twilio`;
  const answer = await post(url, new URLSearchParams(form).toString(), {
    'content-type': 'application/x-www-form-urlencoded',
    'x-twilio-signature': signed('', url, form),
  });
  expect(answer.status).toBe(403);
  await expectService(world);
});

test('an address that sends too much is answered 429', async () => {
  const world = await startMessaging({ set: ['limits.sms=3/1m'] });
  for (let n = 0; n < 3; n++) expect((await world.send(`g:${n}`)).status).toBe(200);
  const limited = await world.send('g:4');
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '60']);
  expect(world.publisher.messages()).toHaveLength(3);
});

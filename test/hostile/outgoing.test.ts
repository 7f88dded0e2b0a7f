// docs/protocol.md, "Seeds and outgoing SMS", Q10 and Q11, and what one request may contain. The gateway runs with a
// real RabbitMQ, whose queues show what was forwarded.

import { expect, test, vi } from 'vitest';
import { startMessaging } from '../support/messaging.ts';
import { post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { errorsOf, number, operator, outgoingFixture, setup, sms } from './outgoing-fixture.ts';

const rabbit = rabbitForFile();
const { startWorld: startOutgoing, bindPhone, expectService } = outgoingFixture(rabbit);

test('an SMS reaches the queue of the gateway phone, byte for byte', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  const text = 'Привет 📨 "quoted" \\ line\nbreak';
  const response = await services.send([{ number, text, operator_name: operator }], { uuid: 'mine' });
  expect([response.status, JSON.parse(response.text)]).toMatchObject([200, { uuid: 'mine', errors: [] }]);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  await expectService(services, [JSON.stringify({ text, number })]);
});

test('an invalid number, and an operator without a queue, do not stop the other recipients', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  const response = await services.send([
    { number: '650393369', text: 'a', operator_name: operator },
    sms('b', 'Nobody'),
    { number, text: 'c' },
    { number: '', text: 'd', operator_name: operator },
    sms('e'),
  ]);
  expect(response.status).toBe(200);
  expect(errorsOf(response).map((error) => [error.number, error.error_message])).toEqual([
    ['650393369', 'not a phone number in E.164 format'],
    [number, 'no gateway client for operator Nobody'],
    ['', 'not a phone number in E.164 format'],
  ]);
  await expectService(
    services,
    ['c', 'e'].map((text) => JSON.stringify({ text, number })),
  );
});

const wrongOperators = [
  '#',
  '*',
  'MTN.*',
  'a.b',
  '.',
  'MTN#',
  'a\u0000',
  'a\nb',
  'x'.repeat(256),
  'é'.repeat(120),
];

test('Q10: a request gets 400 when its only operator_name is too long, or has separators or wildcards of a topic exchange', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  for (const name of wrongOperators) {
    const response = await services.send([sms('bad', name), sms('bad', '#')]);
    expect([name, response.status, response.text]).toEqual([name, 400, 'operator_name is not well formed']);
  }
  await expectService(services);
});

test('an invalid recipient is reported in errors, gets no SMS, and does not stop the others', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  const notWell = expect.stringContaining('operator_name is not well formed: ');
  const wrong: [recipient: unknown, number: string, message: unknown][] = [
    ...wrongOperators.map((name): [unknown, string, unknown] => [sms('bad', name), number, notWell]),
    [{ ...sms(), text: '' }, number, 'text: expected a text that is not empty'],
    [{ ...sms(), text: null }, number, 'text: expected a text that is not empty'],
    [{ ...sms(), text: ['a'] }, number, 'text: expected a text that is not empty'],
    [{ number, operator_name: operator }, number, 'text: expected a text that is not empty'],
    [sms('x'.repeat(40_001)), number, 'text: over 40000 characters'],
    [{ ...sms(), number: 237650393369 }, '237650393369', 'number: expected a text, such as "+237650393369"'],
    [{ ...sms(), number: null }, '', 'number: expected a text, such as "+237650393369"'],
    [{ text: 'a', operator_name: operator }, '', 'number: expected a text, such as "+237650393369"'],
    [{ ...sms(), number: '1'.repeat(65) }, '1'.repeat(64), 'not a phone number in E.164 format'],
    [{ ...sms(), operator_name: 7 }, number, 'operator_name: expected a text'],
    [{ ...sms(), operator_name: {} }, number, 'operator_name: expected a text'],
    ['x', '', 'not an object with number and text'],
    [null, '', 'not an object with number and text'],
    [[sms()], '', 'not an object with number and text'],
  ];
  const response = await services.send([sms('first'), ...wrong.map(([recipient]) => recipient), sms('last')]);
  expect(response.status).toBe(200);
  expect(errorsOf(response).map((error) => [error.number, error.error_message])).toEqual(
    wrong.map(([, given, message]) => [given, message]),
  );
  const onlyWrong = await services.send([{ ...sms(), text: '' }]);
  expect([onlyWrong.status, errorsOf(onlyWrong).length]).toEqual([200, 1]);
  await expectService(
    services,
    ['first', 'last'].map((text) => JSON.stringify({ text, number })),
  );
});

test('optional members that are empty or null count as absent, because documented examples send them', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  for (const nothing of ['', null]) {
    const more = { callback_url: nothing, uuid: nothing };
    const response = await services.send([{ number, text: 'hi', operator_name: nothing }], more);
    expect([response.status, JSON.parse(response.text)]).toMatchObject([
      200,
      { uuid: expect.stringMatching(/^[0-9a-f-]{36}$/), errors: [] },
    ]);
    expect((await services.send([sms()], { auth_key: nothing })).status).toBe(401);
  }
  const list = await services.v1('sms/operators', [{ number, text: null, operator_name: null }]);
  expect([list.status, JSON.parse(list.text)]).toEqual([200, [{ number, operator_name: operator }]]);
  const sent = JSON.stringify({ text: 'hi', number });
  await expectService(services, [sent, sent]);
});

test('bodies that violate the protocol get 400, and nothing is sent', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  const bodies: unknown[] = [
    '',
    '{',
    '[]',
    { ...services.auth },
    { ...services.auth, data: [] },
    { ...services.auth, data: 'x' },
    { ...services.auth, data: [sms()], uuid: 'x'.repeat(129) },
    { ...services.auth, data: [sms()], uuid: 1 },
    { ...services.auth, data: [sms()], callback_url: [] },
    { ...services.auth, data: { 0: sms(), length: 1 } },
    { ...services.auth, data: Array.from({ length: 1_001 }, () => sms()) },
    `{"auth_id":"${services.auth.auth_id}","auth_key":"s3cret","data":[],"__proto__":{"data":[]}}`,
  ];
  for (const body of bodies) expect([body, (await services.v1('sms', body)).status]).toEqual([body, 400]);
  expect((await services.v1('sms', '{')).text).toBe('invalid json');
  for (const [type, status] of [
    ['text/plain', 400],
    ['application/x-www-form-urlencoded', 415],
  ] as const) {
    expect((await services.v1('sms', 'a=b', { 'content-type': type })).status).toBe(status);
  }
  await expectService(services);
});

test('a repeated request gets the stored response and sends nothing, in another process too', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  const key = { 'idempotency-key': 'k1' };
  const [first, ...others] = await Promise.all(
    Array.from({ length: 5 }, () => services.send([sms('once')], {}, key)),
  );
  for (const other of others) expect(other.text).toBe(first?.text);
  expect((await services.send([sms('other')], {}, key)).status).toBe(409);
  const byUuid = await services.send([sms('twice')], { uuid: 'u1' });
  expect((await services.send([sms('twice')], { uuid: 'u1' })).text).toBe(byUuid.text);
  await expectService(services, [
    JSON.stringify({ text: 'once', number }),
    JSON.stringify({ text: 'twice', number }),
  ]);
});

test('Q11: while the broker is down the response is 503 and lists every recipient; the SMS can be sent when it is back', async () => {
  const { port, managementUrl } = rabbit();
  const broker = await startProxy(port);
  const management = await startProxy(Number(new URL(managementUrl).port));
  const services = await startOutgoing([
    `broker.url=amqp://guest:guest@127.0.0.1:${broker.port}`,
    `broker.management_url=http://127.0.0.1:${management.port}`,
  ]);
  await bindPhone(services);
  await Promise.all([broker.refuse(), management.refuse()]);
  // The clock advances until the outage is too long for a request to wait.
  const sending = services.send([sms('a'), sms('b')], {}, { 'idempotency-key': 'k' });
  let answered = false;
  void sending.then(() => {
    answered = true;
  });
  await vi.waitFor(() => {
    services.clock.advance(500);
    expect(answered).toBe(true);
  });
  const down = await sending;
  expect([down.status, down.headers.get('retry-after')]).toEqual([503, '5']);
  expect(errorsOf(down).map(({ error_message }) => error_message)).toEqual([
    expect.stringMatching(/^not sent: /),
    expect.stringMatching(/^not sent: /),
  ]);

  await Promise.all([broker.reconnect(), management.reconnect()]);
  await expect
    .poll(async () => (await services.send([sms('a'), sms('b')], {}, { 'idempotency-key': 'k' })).status)
    .toBe(200);
  await expectService(
    services,
    ['a', 'b'].map((text) => JSON.stringify({ text, number })),
  );
});

test('without a broker /v1 reports that none is configured, and everything else works', async () => {
  const services = await startMessaging();
  const auth = { auth_id: 'dev', auth_key: 'k' };
  const sent = await post(`${services.gateway}/v1/sms`, { ...auth, data: [sms()] });
  expect([sent.status, sent.text]).toEqual([503, 'no broker configured']);
  const subscribed = await post(`${services.gateway}/v1/subscribe`, { ...auth, ...setup });
  expect([subscribed.status, subscribed.text]).toEqual([503, 'no broker configured']);
  const operators = await post(`${services.gateway}/v1/sms/operators`, [
    { number, text: 'a' },
    { number: 'x' },
    { number: 237650393369 },
  ]);
  expect([operators.status, JSON.parse(operators.text)]).toEqual([
    200,
    [
      { number, text: 'a', operator_name: operator },
      { number: 'x', operator_name: '' },
      { number: '237650393369', operator_name: operator },
    ],
  ]);
  expect((await services.send('g:works')).status).toBe(200);
});

// HOSTILE.md, "Seeds and outgoing SMS", Q6 to Q13: sent to the running gateway with a real RabbitMQ behind it, whose
// queues tell what was forwarded.

import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { type Channel, connect } from 'amqplib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startMessaging } from '../support/messaging.ts';
import { type Answer, post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

const rabbit = rabbitForFile();
const setup = { id: 'setup', key: 'change-me' };
const number = '+237650393369';
const operator = 'MTN Cameroon';

let developers = 0;

/** A gateway on the broker, and a developer of this test alone who has subscribed. */
async function startWorld(set: readonly string[] = []) {
  const { url, managementUrl } = rabbit();
  const world = await startMessaging({
    set: [
      `broker.url=${url}`,
      `broker.management_url=${managementUrl}`,
      'broker.management_user=guest',
      'broker.management_password=guest',
      `outgoing.setup_id=${setup.id}`,
      `outgoing.setup_key=${setup.key}`,
      ...set,
    ],
  });
  const auth = { auth_id: `dev${process.pid}x${++developers}`, auth_key: 's3cret' };
  const v1 = (path: string, body: unknown, headers?: Record<string, string>) =>
    post(`${world.gateway}/v1/${path}`, body, headers);
  const subscribed = await v1('subscribe', { ...auth, ...setup });
  expect([subscribed.status, subscribed.text]).toEqual([200, '']);
  const { auth_id } = auth;
  return {
    ...world,
    auth,
    v1,
    queue: `${auth_id}_OUTGOING_SMS_${operator}`,
    send: (data: unknown, more: object = {}, headers: Record<string, string> = {}) =>
      v1('sms', { ...auth, data, ...more }, headers),
  };
}

type World = Awaited<ReturnType<typeof startWorld>>;
const sms = (text = 'hello', operator_name = operator) => ({ number, text, operator_name });
const errorsOf = ({ text }: Answer): { number: string; operator_name: string; error_message: string }[] =>
  JSON.parse(text).errors;

/** A plain AMQP client. */
async function connectAs(userAndKey: string): Promise<Channel> {
  const { host, port } = rabbit();
  const connection = await connect(`amqp://${userAndKey}@${host}:${port}`);
  // The broker may be killed meanwhile.
  connection.on('error', () => {});
  onTestFinished(() => connection.close().catch(() => {}));
  return connection.createChannel();
}

/** The queue of the developer's gateway phone, declared and bound as phones of today do it, with the developer's rights. */
async function bindPhone({ auth, queue }: World, name = operator): Promise<void> {
  const channel = await connectAs(`${auth.auth_id}:${auth.auth_key}`);
  const own = queue.replace(operator, name);
  await channel.assertQueue(own, { durable: true });
  await channel.bindQueue(own, 'DEKU_CLUSTER_SMS', `${auth.auth_id}_OUTGOING_SMS.${name}`);
}

/** Everything in the queue, as text, taken out. */
async function drain(queue: string): Promise<string[]> {
  const channel = await connectAs('guest:guest');
  const texts: string[] = [];
  for (let got = await channel.get(queue); got; got = await channel.get(queue)) {
    channel.ack(got);
    texts.push(got.content.toString());
  }
  return texts;
}

/** The next good SMS arrives, and nothing else has. */
async function expectService(world: World, already: readonly string[] = []): Promise<void> {
  const answer = await world.send([sms('service')]);
  expect([answer.status, errorsOf(answer)]).toEqual([200, []]);
  expect(await drain(world.queue)).toEqual([...already, JSON.stringify({ text: 'service', number })]);
}

test('an SMS reaches the queue of the gateway phone, byte for byte', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const text = 'Привет 📨 "quoted" \\ line\nbreak';
  const answer = await world.send([{ number, text, operator_name: operator }], { uuid: 'mine' });
  expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { uuid: 'mine', errors: [] }]);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  await expectService(world, [JSON.stringify({ text, number })]);
});

test('one bad number, and an operator that nobody listens for, do not hold up the others', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const answer = await world.send([
    { number: '650393369', text: 'a', operator_name: operator },
    sms('b', 'Nobody'),
    { number, text: 'c' },
    { number: '', text: 'd', operator_name: operator },
    sms('e'),
  ]);
  expect(answer.status).toBe(200);
  expect(errorsOf(answer).map((error) => [error.number, error.error_message])).toEqual([
    ['650393369', 'not a phone number in E.164 format'],
    [number, 'no gateway client for operator Nobody'],
    ['', 'not a phone number in E.164 format'],
  ]);
  await expectService(
    world,
    ['c', 'e'].map((text) => JSON.stringify({ text, number })),
  );
});

test('Q6: an auth_id alone, or with a wrong key, is 401 and sends nothing', async () => {
  const world = await startWorld(['limits.passwords=off']);
  await bindPhone(world);
  world.developer.setBehaviour('normal');
  const { auth_id } = world.auth;
  const data = [sms()];
  for (const body of [
    { auth_id, data },
    { auth_id, auth_key: '', data },
  ]) {
    expect((await world.v1('sms', body)).status).toBe(401);
  }
  await expectService(world);
});

test('Q6, Q7: credentials that the developer API refuses are 401, and guessing is limited', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const { gateway } = await startMessaging({
    set: [
      `broker.url=${rabbit().url}`,
      `dev_api.authentication_url=${world.gateway}/nowhere`,
      `outgoing.setup_id=${setup.id}`,
      `outgoing.setup_key=${setup.key}`,
    ],
  });
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) {
    const answer = await post(`${gateway}/v1/sms`, { ...world.auth, auth_key: `guess${n}`, data: [sms()] });
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  await expectService(world);
});

test('Q7: one of the two set-up credentials wrong, or missing, subscribes nobody', async () => {
  const world = await startWorld(['limits.passwords=off']);
  const auth = { auth_id: `${world.auth.auth_id}y`, auth_key: 'k' };
  const asked: [body: object, status: number][] = [
    [{ ...auth, id: 'x', key: setup.key }, 401],
    [{ ...auth, id: setup.id, key: 'x' }, 401],
    [{ ...auth, id: 'x', key: 'x' }, 401],
    [{ ...auth, id: setup.id }, 400],
    [{ ...auth, id: setup.id, key: '' }, 400],
    [{ ...auth, id: [setup.id], key: setup.key }, 400],
  ];
  for (const [body, status] of asked) {
    for (const [method, path] of [
      ['POST', 'subscribe'],
      ['DELETE', 'unsubscribe'],
    ] as const) {
      const answer = await fetch(`${world.gateway}/v1/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect([path, answer.status]).toEqual([path, status]);
    }
  }
  await expect(rabbit().manage('GET', `users/${auth.auth_id}`)).rejects.toThrow('404');
  expect((await world.v1('sms', { ...auth, data: [sms()] })).status).toBe(401);
  expect((await world.v1('subscribe', { ...auth, ...setup })).status).toBe(200);
});

test('Q8: an auth_id that a pattern or a command line would read is 400, everywhere', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const ids = [
    'a b',
    'a-b',
    '.*',
    'a.b',
    '#',
    '^a$',
    '$(id)',
    '../a',
    'a\n',
    'a%2fb',
    '',
    'é',
    'x'.repeat(65),
  ];
  for (const auth_id of [...ids, 'a_OUTGOING_SMS', `${world.auth.auth_id}_OUTGOING_SMS_x`, 1, null, ['a']]) {
    const body = { auth_id, auth_key: 'k' };
    expect([auth_id, (await world.v1('subscribe', { ...body, ...setup })).status]).toEqual([auth_id, 400]);
    expect([auth_id, (await world.v1('sms', { ...body, data: [sms()] })).status]).toEqual([auth_id, 400]);
  }
  await expectService(world);
});

describe('Q9: callbacks', () => {
  /** A web server that keeps what is posted to it. */
  async function startHook(answers: readonly number[] = []) {
    const calls: { headers: IncomingMessage['headers']; body: string }[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      calls.push({ headers: request.headers, body });
      const status = answers[calls.length - 1] ?? 200;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    return { calls, port: typeof address === 'object' && address ? address.port : 0 };
  }

  test('go to no address of ours, however it is written, and the SMS is sent all the same', async () => {
    const hook = await startHook();
    const world = await startWorld();
    await bindPhone(world);
    const hosts = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '[::ffff:127.0.0.1]',
    ];
    for (const host of [...hosts, '0.0.0.0', '169.254.169.254', 'localhost.']) {
      const answer = await world.send([sms(host)], { callback_url: `http://${host}:${hook.port}/` });
      expect([host, answer.status, errorsOf(answer)]).toEqual([host, 200, []]);
    }
    const failed = (what: string) =>
      world.log.lines.filter(({ message }) => message === `a callback ${what}`);
    await expect.poll(() => failed('was given up').length + failed('is tried again later').length).toBe(10);
    // A name with a dot at its end may be unknown here; nothing speaks against trying that again.
    expect(failed('was given up').length).toBeGreaterThanOrEqual(9);
    expect(hook.calls).toEqual([]);
  });

  test('with a scheme or credentials that never work are 400, and nothing is sent', async () => {
    const world = await startWorld();
    await bindPhone(world);
    const urls = [
      'ftp://a.example/',
      'file:///etc/passwd',
      'http://u:p@a.example/',
      'nonsense',
      'gopher://a',
      1,
    ];
    for (const callback_url of [...urls, `http://a.example/${'x'.repeat(3_000)}`]) {
      expect([callback_url, (await world.send([sms()], { callback_url })).status]).toEqual([
        callback_url,
        400,
      ]);
    }
    await expectService(world);
  });

  test('that are allow-listed get the result, signed, again until they answer 2xx, redirects not followed', async () => {
    const hook = await startHook([500, 302, 204]);
    const world = await startWorld(['outgoing.callback_allow=127.0.0.1', 'outgoing.callback_secret=shh']);
    const callback_url = `http://127.0.0.1:${hook.port}/hook?a=b`;
    const answer = await world.send([sms('x', 'Nobody')], { callback_url });
    for (let n = 1; n <= 3; n++) {
      await expect.poll(() => hook.calls.length).toBe(n);
      await expect
        .poll(
          () => world.log.lines.filter(({ message }) => message === 'a callback is tried again later').length,
        )
        .toBe(Math.min(n, 2));
      world.clock.advance(3_000);
    }
    const [first] = hook.calls;
    for (const call of hook.calls) {
      expect(call.body).toBe(answer.text);
      expect(call.headers['webhook-id']).toBe(first?.headers['webhook-id']);
      const signed = `${call.headers['webhook-id']}.${call.headers['webhook-timestamp']}.${call.body}`;
      const signature = createHmac('sha256', 'shh').update(signed).digest('base64');
      expect(call.headers['webhook-signature']).toBe(`v1,${signature}`);
    }
    world.clock.advance(3_600_000);
    expect(hook.calls).toHaveLength(3);
  });
});

test('Q10: an operator that is words or wildcards to a topic exchange, or too long, is 400', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const names = ['#', '*', 'MTN.*', 'a.b', '.', 'MTN#', 'a\u0000', 'a\nb', 'x'.repeat(256), 'é'.repeat(120)];
  for (const name of names) {
    const answer = await world.send([sms('good'), sms('bad', name)]);
    expect([name, answer.status, answer.text]).toEqual([name, 400, 'operator_name is not well formed']);
  }
  await expectService(world);
});

test('bodies that are not what the contract says are 400, and nothing is sent', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const bodies: unknown[] = [
    '',
    '{',
    '[]',
    { ...world.auth },
    { ...world.auth, data: [] },
    { ...world.auth, data: 'x' },
    { ...world.auth, data: [{ text: 'a', operator_name: operator }] },
    { ...world.auth, data: [{ number, operator_name: operator }] },
    { ...world.auth, data: [{ number, text: '', operator_name: operator }] },
    { ...world.auth, data: [{ number: 1, text: 'a', operator_name: operator }] },
    { ...world.auth, data: [sms()], uuid: '' },
    { ...world.auth, data: Array.from({ length: 1_001 }, () => sms()) },
    `{"auth_id":"${world.auth.auth_id}","auth_key":"s3cret","data":[],"__proto__":{"data":[]}}`,
  ];
  for (const body of bodies) expect([body, (await world.v1('sms', body)).status]).toEqual([body, 400]);
  for (const [type, status] of [
    ['text/plain', 400],
    ['application/x-www-form-urlencoded', 415],
  ] as const) {
    expect((await world.v1('sms', 'a=b', { 'content-type': type })).status).toBe(status);
  }
  await expectService(world);
});

test('the same request again is answered as before and sends nothing, also by another process', async () => {
  const world = await startWorld();
  await bindPhone(world);
  const key = { 'idempotency-key': 'k1' };
  const [first, ...others] = await Promise.all(
    Array.from({ length: 5 }, () => world.send([sms('once')], {}, key)),
  );
  for (const other of others) expect(other.text).toBe(first?.text);
  expect((await world.send([sms('other')], {}, key)).status).toBe(409);
  const byUuid = await world.send([sms('twice')], { uuid: 'u1' });
  expect((await world.send([sms('twice')], { uuid: 'u1' })).text).toBe(byUuid.text);
  await expectService(world, [
    JSON.stringify({ text: 'once', number }),
    JSON.stringify({ text: 'twice', number }),
  ]);
});

test('Q11: a broker that is gone is 503, said for each, and what it missed can be sent when it is back', async () => {
  const world = await startWorld();
  await bindPhone(world);
  await rabbit().writeDown();
  await rabbit().kill();
  // Time goes on until an outage has lasted too long for anybody to wait.
  const sending = world.send([sms('a'), sms('b')], {}, { 'idempotency-key': 'k' });
  let answered = false;
  void sending.then(() => {
    answered = true;
  });
  await vi.waitFor(() => {
    world.clock.advance(500);
    expect(answered).toBe(true);
  });
  const down = await sending;
  expect([down.status, down.headers.get('retry-after')]).toEqual([503, '5']);
  expect(errorsOf(down).map(({ error_message }) => error_message)).toEqual([
    expect.stringMatching(/^not sent: /),
    expect.stringMatching(/^not sent: /),
  ]);

  await rabbit().restart();
  await expect
    .poll(async () => (await world.send([sms('a'), sms('b')], {}, { 'idempotency-key': 'k' })).status, {
      timeout: 20_000,
    })
    .toBe(200);
  await expectService(
    world,
    ['a', 'b'].map((text) => JSON.stringify({ text, number })),
  );
});

test('without a broker /v1 says so, and everything else works', async () => {
  const world = await startMessaging();
  const auth = { auth_id: 'dev', auth_key: 'k' };
  const sent = await post(`${world.gateway}/v1/sms`, { ...auth, data: [sms()] });
  expect([sent.status, sent.text]).toEqual([503, 'no broker configured']);
  const subscribed = await post(`${world.gateway}/v1/subscribe`, { ...auth, ...setup });
  expect([subscribed.status, subscribed.text]).toEqual([503, 'no broker configured']);
  const operators = await post(`${world.gateway}/v1/sms/operators`, [{ number, text: 'a' }, { number: 'x' }]);
  expect([operators.status, JSON.parse(operators.text)]).toEqual([
    200,
    [
      { number, text: 'a', operator_name: operator },
      { number: 'x', operator_name: '' },
    ],
  ]);
  expect((await world.send('g:works')).status).toBe(200);
});

// docs/protocol.md, "Seeds and outgoing SMS", Q6 to Q9: who may send SMS, and which callback URLs are called, with a running
// gateway and a real RabbitMQ.

import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startMessaging } from '../support/messaging.ts';
import { post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { errorsOf, outgoingFixture, setup, sms } from './outgoing-fixture.ts';

const rabbit = rabbitForFile();
const { startWorld: startOutgoing, bindPhone, expectService } = outgoingFixture(rabbit);

test('Q6: an auth_id without an auth_key, or with a wrong one, gets 401, and nothing is sent', async () => {
  const services = await startOutgoing(['limits.passwords=off']);
  await bindPhone(services);
  services.developer.setMode('normal');
  const { auth_id } = services.auth;
  const data = [sms()];
  for (const body of [
    { auth_id, data },
    { auth_id, auth_key: '', data },
  ]) {
    expect((await services.v1('sms', body)).status).toBe(401);
  }
  await expectService(services);
});

test('Q6, Q7: credentials that the developer API rejects get 401, and guesses are rate-limited', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
  const { gateway } = await startMessaging({
    set: [
      `broker.url=${rabbit().url}`,
      `dev_api.authentication_url=${services.gateway}/nowhere`,
      `outgoing.setup_id=${setup.id}`,
      `outgoing.setup_key=${setup.key}`,
    ],
  });
  const statuses: number[] = [];
  for (let n = 0; n < 7; n++) {
    const response = await post(`${gateway}/v1/sms`, {
      ...services.auth,
      auth_key: `guess${n}`,
      data: [sms()],
    });
    statuses.push(response.status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
  await expectService(services);
});

test('Q7: a wrong or missing set-up credential subscribes no developer', async () => {
  const services = await startOutgoing(['limits.passwords=off']);
  const auth = { auth_id: `${services.auth.auth_id}y`, auth_key: 'k' };
  const requests: [body: object, status: number][] = [
    [{ ...auth, id: 'x', key: setup.key }, 401],
    [{ ...auth, id: setup.id, key: 'x' }, 401],
    [{ ...auth, id: 'x', key: 'x' }, 401],
    [{ ...auth, id: setup.id }, 400],
    [{ ...auth, id: setup.id, key: '' }, 400],
    [{ ...auth, id: [setup.id], key: setup.key }, 400],
  ];
  for (const [body, status] of requests) {
    for (const [method, path] of [
      ['POST', 'subscribe'],
      ['DELETE', 'unsubscribe'],
    ] as const) {
      const response = await fetch(`${services.gateway}/v1/${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect([path, response.status]).toEqual([path, status]);
    }
  }
  await expect(rabbit().manage('GET', `users/${auth.auth_id}`)).rejects.toThrow('404');
  expect((await services.v1('sms', { ...auth, data: [sms()] })).status).toBe(401);
  expect((await services.v1('subscribe', { ...auth, ...setup })).status).toBe(200);
});

test('Q7: the response says which pair of credentials is wrong, but not which half of it', async () => {
  const services = await startOutgoing(['limits.passwords=off']);
  const auth = { auth_id: services.auth.auth_id, auth_key: 's3cret' };
  const wrongSetup = 'wrong credentials: id and key of the set-up';
  const requests: [body: object, text: string][] = [
    [{ ...auth, id: 'x', key: setup.key }, wrongSetup],
    [{ ...auth, id: setup.id, key: 'x' }, wrongSetup],
    [{ ...auth, auth_key: 'x', id: setup.id, key: 'x' }, wrongSetup],
  ];
  for (const [body, text] of requests)
    expect(await services.v1('subscribe', body)).toMatchObject({ status: 401, text });
  const { gateway } = await startMessaging({
    set: [
      `broker.url=${rabbit().url}`,
      `broker.management_url=${rabbit().managementUrl}`,
      `dev_api.authentication_url=${services.gateway}/nowhere`,
      `outgoing.setup_id=${setup.id}`,
      `outgoing.setup_key=${setup.key}`,
    ],
  });
  expect(await post(`${gateway}/v1/subscribe`, { ...auth, ...setup })).toMatchObject({
    status: 401,
    text: 'wrong credentials: auth_id and auth_key of the developer',
  });
});

test('Q8: every route responds 400 to an auth_id with special characters of patterns or shells', async () => {
  const services = await startOutgoing();
  await bindPhone(services);
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
  for (const auth_id of [
    ...ids,
    'a_OUTGOING_SMS',
    `${services.auth.auth_id}_OUTGOING_SMS_x`,
    1,
    null,
    ['a'],
  ]) {
    const body = { auth_id, auth_key: 'k' };
    expect([auth_id, (await services.v1('subscribe', { ...body, ...setup })).status]).toEqual([auth_id, 400]);
    expect([auth_id, (await services.v1('sms', { ...body, data: [sms()] })).status]).toEqual([auth_id, 400]);
  }
  await expectService(services);
});

describe('Q9: callbacks', () => {
  /** A web server that records what is posted to it. */
  async function startHook(responses: readonly number[] = []) {
    const calls: { headers: IncomingMessage['headers']; body: string }[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      calls.push({ headers: request.headers, body });
      const status = responses[calls.length - 1] ?? 200;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    return { calls, port: typeof address === 'object' && address ? address.port : 0 };
  }

  test('never go to an internal address, however it is written; the SMS is still sent', async () => {
    const hook = await startHook();
    const services = await startOutgoing();
    await bindPhone(services);
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
      const response = await services.send([sms(host)], { callback_url: `http://${host}:${hook.port}/` });
      expect([host, response.status, errorsOf(response)]).toEqual([host, 200, []]);
    }
    const failed = (what: string) =>
      services.log.lines.filter(({ message }) => message === `a callback ${what}`);
    await expect
      .poll(() => failed('was dead-lettered').length + failed('is tried again later').length)
      .toBe(10);
    // A name with a trailing dot may not resolve here, and that failure may be retried.
    expect(failed('was dead-lettered').length).toBeGreaterThanOrEqual(9);
    expect(hook.calls).toEqual([]);
  });

  test('with an unsupported scheme or with credentials get 400, and nothing is sent', async () => {
    const services = await startOutgoing();
    await bindPhone(services);
    const urls = [
      'ftp://a.example/',
      'file:///etc/passwd',
      'http://u:p@a.example/',
      'nonsense',
      'gopher://a',
      1,
    ];
    for (const callback_url of [...urls, `http://a.example/${'x'.repeat(3_000)}`]) {
      expect([callback_url, (await services.send([sms()], { callback_url })).status]).toEqual([
        callback_url,
        400,
      ]);
    }
    await expectService(services);
  });

  test('to allow-listed addresses are signed and retried until a 2xx; redirects are not followed', async () => {
    const hook = await startHook([500, 302, 204]);
    const services = await startOutgoing([
      'outgoing.callback_allow=127.0.0.1',
      'outgoing.callback_secret=shh',
    ]);
    const callback_url = `http://127.0.0.1:${hook.port}/hook?a=b`;
    const response = await services.send([sms('x', 'Nobody')], { callback_url });
    for (let n = 1; n <= 3; n++) {
      await expect.poll(() => hook.calls.length).toBe(n);
      await expect
        .poll(
          () =>
            services.log.lines.filter(({ message }) => message === 'a callback is tried again later').length,
        )
        .toBe(Math.min(n, 2));
      services.clock.advance(3_000);
    }
    const [first] = hook.calls;
    for (const call of hook.calls) {
      expect(call.body).toBe(response.text);
      expect(call.headers['webhook-id']).toBe(first?.headers['webhook-id']);
      const signed = `${call.headers['webhook-id']}.${call.headers['webhook-timestamp']}.${call.body}`;
      const signature = createHmac('sha256', 'shh').update(signed).digest('base64');
      expect(call.headers['webhook-signature']).toBe(`v1,${signature}`);
    }
    services.clock.leap(3_600_000);
    expect(hook.calls).toHaveLength(3);
  });
});

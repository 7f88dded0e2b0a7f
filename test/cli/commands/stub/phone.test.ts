// `swob stub phone` and `stubPhone` of swob/testing, on a real RabbitMQ; test/stubs/phone.test.ts has what the phone does.

import type { Channel } from 'amqplib';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { systemClock } from '../../../../src/app/system-clock.ts';
import { developerExchangeName } from '../../../../src/domain/outgoing/broker-names.ts';
import type { PhoneMode } from '../../../../src/stubs/phone-modes.ts';
import type * as declared from '../../../../src/testing/declarations.d.ts';
import { playground, stubPhone } from '../../../../src/testing/index.ts';
import { createTenants } from '../../../../src/upstream/rabbitmq-tenants.ts';
import { connectClient, openChannel } from '../../../support/amqp-client.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { patient } from '../../../support/patience.ts';
import { rabbitForFile } from '../../../support/rabbitmq.ts';
import { createCli } from '../../harness.ts';

const rabbit = rabbitForFile();
const [authId, authKey] = ['dev1', 's3cret'];
const exchange = developerExchangeName(authId);

let channel: Channel;
beforeEach(async () => {
  const { managementUrl, url: brokerUrl } = rabbit();
  const settings = {
    managementUrl,
    brokerUrl,
    user: 'guest',
    password: 'guest',
    tags: [],
    timeoutMs: 10_000,
  };
  const tenants = createTenants({ ...settings, clock: createFakeClock() });
  await tenants.subscribe(authId, authKey);
  channel = await openChannel(await connectClient(brokerUrl));
});

const brokerUrl = (): string => `amqp://127.0.0.1:${rabbit().port}`;
const publish = (text: string): void => {
  const body = { text, to: '+237650000001', sid: '1', id: 7 };
  channel.publish(exchange, `${exchange}.237.62401`, Buffer.from(JSON.stringify(body)), { persistent: true });
};

test('runs until a signal, prints each SMS, and can be verified from outside and by --expect', async () => {
  const cli = createCli({ env: { SWOB_AUTH_KEY: authKey } });
  const phone = ['stub', 'phone', '--port', '0', '--auth-id', authId, '--url', brokerUrl()];
  const ended = cli.swob(...phone, '--mix', 'failed=100%', '--expect', 'text~=Hello');
  await Promise.race([cli.out.until('http:'), ended]);
  const url = /http:\S+/.exec(cli.out.text)?.[0] ?? '';
  publish('Hello');
  const check = createCli({ clock: systemClock });
  const conditions = ['text~=Hello', 'mode=failed', 'parts=1', 'number=+237650000001'];
  const received = conditions.flatMap((condition) => ['--received', condition]);
  expect(await check.swob('verify', url, ...received, '--times', '1', '--within', `${patient(60)}s`)).toBe(0);
  cli.signals.emit('SIGTERM');
  expect(await ended).toBe(0);
  expect(cli.out.text).toContain('+237650000001\tHello\tfailed\n');
});

test('prints JSON, and ends when RabbitMQ refuses the developer', async () => {
  const cli = createCli({ env: { SWOB_AUTH_KEY: authKey } });
  const phone = ['stub', 'phone', '--port', '0', '--auth-id', authId, '--url', brokerUrl(), '--json'];
  const ended = cli.swob(...phone);
  await cli.out.until('http:');
  publish('Hello');
  await cli.out.until('delivered');
  expect(cli.out.text.split('\n')[1]).toBe(
    '{"id":"7","number":"+237650000001","text":"Hello","mode":"delivered"}',
  );
  await rabbit().manage('DELETE', `users/${authId}`);
  expect(await ended).toBe(1);
  expect(cli.err.text).toContain('rejects auth id dev1 with this key');
});

test('is part of swob/testing', async () => {
  const phone = await stubPhone({ brokerUrl: brokerUrl(), authId, authKey, behaviour: [{ mode: 'silent' }] });
  try {
    publish('Hello');
    await phone.verify({ received: ['text~=Hello', 'mode=silent'], withinMs: patient(60_000) });
    expect(phone.journal()).toHaveLength(1);
  } finally {
    await phone.close();
  }
  await expect(stubPhone({ brokerUrl: brokerUrl(), authId, authKey, operator: 'a.b' })).rejects.toThrow(
    'operator',
  );
  expectTypeOf<declared.PhoneMode>().toEqualTypeOf<PhoneMode>();
});

test('is part of a playground, whose gateway learns from it what became of each SMS', async () => {
  const { url, managementUrl } = rabbit();
  const services = await playground({ broker: { url, managementUrl } });
  const { developer, stubs, env } = services;
  const { authId: auth_id = '', authKey: auth_key = '' } = developer ?? {};
  const request = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${services.urls.gateway}${path}`, {
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${btoa(`${auth_id}:${auth_key}`)}`,
        connection: 'close',
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    return response.json();
  };
  try {
    const modes = ['failed', 'reorder', 'duplicate', 'contradict', 'sent'] as const;
    for (const mode of modes) {
      stubs.phone?.setMode(mode, { count: 1 });
      const data = [{ number: '+237650393369', text: `This one is ${mode}` }];
      expect(await request('/v1/sms', { auth_id, auth_key, uuid: mode, data })).toMatchObject({ errors: [] });
      const received = [`text~=${mode}`, mode === 'sent' ? 'reported~=sent' : 'reported~=delivered|failed'];
      await stubs.phone?.verify({ received, times: 1, withinMs: patient(60_000) });
    }
    const states = ['failed', 'delivered', 'delivered', 'delivered', 'sent'];
    await expect
      .poll(() => Promise.all(modes.map((mode) => request(`/v1/sms/${mode}`))))
      .toMatchObject(states.map((state) => ({ states: { [state]: 1 } })));
    expect(env).toMatchObject({ PLAYGROUND_PHONE_URL: stubs.phone?.url, PLAYGROUND_AUTH_ID: auth_id });
  } finally {
    await services.close();
  }
  const users = await rabbit().manage('GET', 'users');
  expect(users).not.toContainEqual(expect.objectContaining({ name: auth_id }));
});

describe('swob stub phone refuses', () => {
  const required = [
    '--auth-id',
    authId,
    '--auth-key',
    '@/dev/null',
    '--url',
    'amqp://127.0.0.1:1',
    '--port',
    '0',
  ];

  test.each([
    ['--mix', 'failed=10'],
    ['--mix', 'mixed=10%'],
    ['--mix', 'failed=10%,failed=20%'],
    ['--mode', 'sleep'],
    ['--prefetch', '0'],
    ['--send-delay', '2h'],
    ['--status-url', 'localhost'],
    ['--binding', 'dev2_OUTGOING_SMS.#'],
    ['--operator', 'a.b'],
    ['--replay', 'recording'],
  ])('%s %s', async (option, value) => {
    const cli = createCli();
    expect(await cli.swob('stub', 'phone', ...required, option, value)).toBe(64);
    expect(cli.err.text).toContain(option);
  });

  test('to start without the broker', async () => {
    const cli = createCli({ env: { SWOB_AUTH_KEY: 'x' } });
    const phone = ['stub', 'phone', '--auth-id', authId, '--url', 'amqp://127.0.0.1:1', '--port', '0'];
    expect(await cli.swob(...phone)).toBe(69);
    expect(cli.err.text).toContain('cannot connect to the broker at 127.0.0.1:1');
  });
});

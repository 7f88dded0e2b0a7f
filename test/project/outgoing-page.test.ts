// Runs the commands of docs/outgoing-sms.md as printed, with a real RabbitMQ.

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { freePort } from '../support/ports.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { openPage } from './page-commands.ts';

const rabbit = rabbitForFile();

test('the commands lead from an empty RabbitMQ to the first SMS, while npm start runs', async () => {
  const { port, managementUrl } = rabbit();
  const ports = {
    5672: port,
    15672: Number(new URL(managementUrl).port),
    6969: await freePort(),
    6996: await freePort(),
    6970: await freePort(),
    9101: await freePort(),
    9300: await freePort(),
    9601: await freePort(),
  };
  const { blocks, start, run, withPorts } = await openPage('docs/outgoing-sms.md', ports, {
    SWOB_API_PORT: '6969',
    SWOB_WEBSOCKET_PORT: '6996',
  });
  const [
    serve = '',
    developer = '',
    subscribe = '',
    consume = '',
    send = '',
    operators = '',
    schedule = '',
    follow = '',
    list = '',
    cancel = '',
    callbacks = '',
    deku = '',
    stub = '',
    sendReported = '',
    verify = '',
    ...more
  ] = blocks.map(withPorts);
  expect(more).toEqual([]);
  await start('npm start').until(/sync ready at /);
  await start(serve).until(/gateway ready at /);
  await start(developer).until(/ready/);
  expect(await run(subscribe)).toBe('');
  const phone = start(consume);
  await phone.until(/consuming dev1_OUTGOING_SMS_MTN Cameroon/);
  expect(JSON.parse(await run(send))).toMatchObject({ uuid: expect.any(String), errors: [] });
  await phone.until(/\+237650393369\thello/);
  expect(JSON.parse(await run(operators))).toEqual([
    { number: '+237650393369', operator_name: 'MTN Cameroon' },
  ]);
  expect(JSON.parse(await run(schedule))).toMatchObject({
    messages: [{ state: 'queued', waits_until: expect.any(String) }],
  });
  expect(JSON.parse(await run(follow))).toMatchObject({
    states: { queued: 1 },
    messages: [{ handover: 'pending', times: {} }],
  });
  expect(await run(list)).toContain('dev1');
  expect(JSON.parse(await run(cancel))).toMatchObject({
    messages: [{ state: 'cancelled', cancelled: true }],
  });
  await start(callbacks).until(/ready/);
  const dekuPhone = start(deku);
  await dekuPhone.until(/consuming dev1_OUTGOING_SMS_#/);
  expect(JSON.parse(await run(send))).toMatchObject({ errors: [] });
  await dekuPhone.until(/\+237650393369\thello/);
  const stubPhone = start(stub);
  await stubPhone.until(/phone stub ready at /);
  expect(JSON.parse(await run(sendReported))).toMatchObject({ errors: [] });
  const verdicts = await run(verify);
  expect(verdicts.match(/: 1 of \d received/g)).toHaveLength(2);
});

test('the verification of callbacks that is printed accepts what swob signs, and nothing else', async () => {
  const markdown = await readFile('docs/outgoing-sms.md', 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(markdown) ?? [];
  const { isFromSwob } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const now = Math.floor(Date.now() / 1_000);
  const check = (given: string, time = now, body = '{}') => isFromSwob(given, headersOf(given, time), body);
  const headersOf = (secret: string, time: number) => ({
    'webhook-id': 'id',
    'webhook-timestamp': String(time),
    'webhook-signature': signWebhook(secret, 'id', time, '{}'),
  });
  expect([check('a secret'), check('whsec_c2VjcmV0')]).toEqual([true, true]);
  expect([check('a secret', now - 400), check('a secret', now, '{} ')]).toEqual([false, false]);
  expect(isFromSwob('another', headersOf('a secret', now), '{}')).toBe(false);
  expect(isFromSwob('a secret', {}, '{}')).toBe(false);
});

// The commands of docs/outgoing-sms.md, run as they are printed, with a real RabbitMQ.

import { expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { openPage } from './page-commands.ts';

const rabbit = rabbitForFile();

test('the page leads from an empty broker to the first SMS', { timeout: 60_000 }, async () => {
  const { port, managementUrl } = rabbit();
  const ports = {
    5672: port,
    15672: Number(new URL(managementUrl).port),
    6969: await freePort(),
    9100: await freePort(),
  };
  const { blocks, start, run, withPorts } = await openPage('docs/outgoing-sms.md', ports, {
    SWOB_API_PORT: '6969',
    SWOB_DEV_API_AUTHENTICATION_URL: 'http://127.0.0.1:9100/v1/authenticate',
  });
  const [serve = '', developer = '', subscribe = '', consume = '', send = '', operators = '', ...more] =
    blocks.map(withPorts);
  expect(more).toEqual([]);
  // As the README begins.
  await run('npm run setup');
  await start(serve).until(/gateway ready at /);
  await start(`${developer} --port ${ports[9100]}`).until(/ready/);
  expect(await run(subscribe)).toBe('');
  const phone = start(consume);
  await phone.until(/consuming dev1_OUTGOING_SMS_MTN Cameroon/);
  expect(JSON.parse(await run(send))).toEqual({ uuid: expect.any(String), errors: [] });
  await phone.until(/\+237650393369\thello/);
  expect(JSON.parse(await run(operators))).toEqual([
    { number: '+237650393369', operator_name: 'MTN Cameroon' },
  ]);
});

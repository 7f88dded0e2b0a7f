// Runs the commands of docs/outgoing-sms.md as printed, with a real RabbitMQ.

import { expect, test } from 'vitest';
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
    deku = '',
    stub = '',
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
  const dekuPhone = start(deku);
  await dekuPhone.until(/consuming dev1_OUTGOING_SMS_#/);
  expect(JSON.parse(await run(send))).toMatchObject({ errors: [] });
  await dekuPhone.until(/\+237650393369\thello/);
  const stubPhone = start(stub);
  await stubPhone.until(/phone stub ready at /);
  expect(JSON.parse(await run(send))).toMatchObject({ errors: [] });
  expect(await run(verify)).toContain(': 1 of 1 received');
});

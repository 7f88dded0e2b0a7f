// Whether RabbitMQ accepts our credentials, for `swob doctor`.

import { expect, test } from 'vitest';
import { checkLogin } from '../../src/amqp/login.ts';
import { systemClock } from '../../src/app/system-clock.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

const rabbit = rabbitForFile();
const loginMs = 5_000;

test('a login succeeds, or fails with a reason that does not contain the password', async () => {
  const { url } = rabbit();
  await checkLogin(url, loginMs, systemClock);
  const wrong = url.replace('guest:guest', 'guest:hunter2secret');
  const failure = await checkLogin(wrong, loginMs, systemClock).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'UPSTREAM', message: '403 ACCESS-REFUSED' });
  await expect(checkLogin(`${url}/nowhere`, loginMs, systemClock)).rejects.toMatchObject({
    code: 'UPSTREAM',
  });
});

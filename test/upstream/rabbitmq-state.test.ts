// The state of the connection to RabbitMQ, for /readyz, and whether it accepts our credentials, for `swob doctor`.

import { expect, onTestFinished, test, vi } from 'vitest';
import { checkLogin } from '../../src/amqp/login.ts';
import { systemClock } from '../../src/app/system-clock.ts';
import { createBroker } from '../../src/upstream/rabbitmq.ts';
import { createMemoryLog } from '../support/log.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

const rabbit = rabbitForFile();
const loginMs = 5_000;

test('the state follows the connection, up and down', async () => {
  const { url, kill, restart } = { ...rabbit() };
  const broker = createBroker({ url, timeoutMs: 10_000, clock: systemClock, log: createMemoryLog() });
  onTestFinished(async () => void (await broker.close()));
  expect(broker.state()).toBe('unreachable');
  await vi.waitFor(() => expect(broker.state()).toBe('ok'), { timeout: 15_000 });
  await kill();
  await vi.waitFor(() => expect(broker.state()).toBe('unreachable'), { timeout: 15_000 });
  await restart();
});

test('a login succeeds, or fails with a reason that does not contain the password', async () => {
  const { url } = rabbit();
  await checkLogin(url, loginMs);
  const wrong = url.replace('guest:guest', 'guest:hunter2secret');
  const failure = await checkLogin(wrong, loginMs).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'UPSTREAM', message: '403 ACCESS-REFUSED' });
  await expect(checkLogin(`${url}/nowhere`, loginMs)).rejects.toMatchObject({ code: 'UPSTREAM' });
});

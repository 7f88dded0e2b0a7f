// How the connection to RabbitMQ is, for /readyz, and whether it takes our credentials, for `swob doctor`.

import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { createBroker } from '../../src/upstream/rabbitmq.ts';
import { tryLogin } from '../../src/upstream/rabbitmq-login.ts';
import { createMemoryLog } from '../support/log.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

const rabbit = rabbitForFile();
const loginMs = 5_000;

test('the state follows the connection, up and down', async () => {
  const { url, kill, restart } = { ...rabbit() };
  const broker = createBroker({ url, timeoutMs: 10_000, clock: systemClock, log: createMemoryLog() });
  onTestFinished(() => broker.close());
  expect(broker.state()).toBe('unreachable');
  await vi.waitFor(() => expect(broker.state()).toBe('ok'), { timeout: 15_000 });
  await kill();
  await vi.waitFor(() => expect(broker.state()).toBe('unreachable'), { timeout: 15_000 });
  await restart();
});

test('a login works, and says why it does not without the password', async () => {
  const { url } = rabbit();
  await tryLogin(url, loginMs);
  const wrong = url.replace('guest:guest', 'guest:hunter2secret');
  const failure = await tryLogin(wrong, loginMs).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'UPSTREAM', message: '403 ACCESS-REFUSED' });
  await expect(tryLogin(`${url}/nowhere`, loginMs)).rejects.toMatchObject({ code: 'UPSTREAM' });
});

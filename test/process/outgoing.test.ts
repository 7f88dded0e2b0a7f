// Outgoing SMS from the real binary, through a real RabbitMQ that is killed, to gateway phones that use pika; and a
// gateway that is suspended meanwhile.

import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { developerExchangeName, networkRoutingKey } from '../../src/domain/outgoing/broker-names.ts';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { startProcess, startSwob } from '../support/binary.ts';
import { bindDekuPhone } from '../support/deku-phone.ts';
import { needs, python } from '../support/needs.ts';
import { patient } from '../support/patience.ts';
import { post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { redisForFile } from '../support/redis.ts';
import { createInstallation } from './installation.ts';

const rabbit = rabbitForFile();
const redis = redisForFile();
const operator = 'MTN Cameroon';
const number = '+237650393369';

async function startSystems(storeUrl?: string) {
  const { folder } = await createInstallation();
  const developer = await startDeveloperStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => developer.close());
  const set = [
    `broker.url=${rabbit().url}`,
    `broker.management_url=${rabbit().managementUrl}`,
    'broker.management_user=guest',
    'broker.management_password=guest',
    'outgoing.setup_id=setup',
    'outgoing.setup_key=change-me',
    `dev_api.authentication_url=${developer.url}/v1/authenticate`,
  ];
  const startGateway = (...more: readonly string[]) =>
    startSwob(['serve', 'gateway', ...[...set, ...more].flatMap((each) => ['--set', each])], { cwd: folder });
  // The subscription of a developer cannot be checked while RabbitMQ is suspended.
  const shared = storeUrl === undefined ? [] : [`store.url=${storeUrl}`, 'broker.management_url='];
  const swob = await startGateway(...shared);
  const { url } = swob.ready.gateway;
  const subscribe = async (auth_id: string): Promise<void> => {
    const body = { id: 'setup', key: 'change-me', auth_id, auth_key: 's3cret' };
    const response = await post(`${url}/v1/subscribe`, body);
    expect([response.status, response.text]).toEqual([200, '']);
  };
  const send = (auth_id: string, data: object[], headers: Record<string, string> = {}, at = url) =>
    post(`${at}/v1/sms`, { auth_id, auth_key: 's3cret', data }, headers);
  /**
   * A phone of the developer, bound by operator, or with DekuSMS by a routing key; `received` holds the bodies that it got, in
   * order.
   */
  const startPhone = async (auth_id: string, as = operator, script = 'gateway_phone.py') => {
    const path = join(import.meta.dirname, 'peers', script);
    const phone = startProcess(python, [path, String(rabbit().port), auth_id, 's3cret', as], { cwd: folder });
    await phone.waitForOutput('stdout', 'ready\n');
    return { ...phone, received: () => phone.stdout().trim().split('\n').slice(1) };
  };
  return { subscribe, send, startPhone, swob, startOther: () => startGateway(...shared) };
}

test('phones of 2022 and with DekuSMS get their SMS and none of another tenant', async (context) => {
  needs(context, { module: 'pika' });
  const { subscribe, send, startPhone } = await startSystems();
  await subscribe('dev1');
  await subscribe('dev2');
  const [one, two, other] = [
    await startPhone('dev1'),
    await startPhone('dev2'),
    await startPhone('dev1', 'Orange'),
  ];

  const text = 'Привет 📨 "quoted"';
  const first = await send('dev1', [{ number, text, operator_name: operator }]);
  expect([first.status, JSON.parse(first.text).errors]).toEqual([200, []]);
  await send('dev2', [{ number, text: 'for two', operator_name: operator }]);
  await send('dev1', [{ number, text: 'for orange', operator_name: 'Orange' }]);
  await one.waitForOutput('stdout', 'Привет');
  await two.waitForOutput('stdout', 'for two');
  await other.waitForOutput('stdout', 'for orange');
  expect([one.received(), two.received(), other.received()]).toEqual([
    [JSON.stringify({ text, number })],
    [JSON.stringify({ text: 'for two', number })],
    [JSON.stringify({ text: 'for orange', number })],
  ]);

  const deku = await startPhone('dev1', 'dev1_OUTGOING_SMS.237.62401', 'deku_phone.py');
  for (const auth_id of ['dev1', 'dev2']) {
    const response = await send(auth_id, [{ number, text: `${text} ${auth_id}`, sid: '2' }]);
    expect([response.status, JSON.parse(response.text).errors]).toEqual([200, []]);
  }
  await deku.waitForOutput('stdout', 'dev1');
  await two.waitForOutput('stdout', 'dev2');
  expect(deku.received().map((body) => JSON.parse(body))).toEqual([
    { text: `${text} dev1`, to: number, sid: '2', id: expect.any(Number) },
  ]);
  expect([one.received().length, two.received().length, other.received().length]).toEqual([1, 2, 1]);
});

test('a broker that is killed while SMS are sent loses nothing acknowledged, and nothing is sent twice', async (context) => {
  needs(context, { module: 'pika' });
  const { subscribe, send, startPhone } = await startSystems();
  await subscribe('dev3');
  const before = await startPhone('dev3');
  before.kill('SIGKILL');
  await before.exit;

  const sent: string[] = [];
  const perhaps: string[] = [];
  const sendBatch = async (batch: number): Promise<void> => {
    const data = Array.from({ length: 20 }, (_, n) => ({
      number,
      text: `batch ${batch} SMS ${n};`,
      operator_name: operator,
    }));
    // The same idempotency key until the broker has accepted the SMS, so that it gets none twice.
    await vi.waitFor(
      async () => {
        const response = await send('dev3', data, { 'idempotency-key': `batch ${batch}` });
        const { errors }: { errors: { error_message: string }[] } = JSON.parse(response.text);
        const unconfirmed = errors.some(({ error_message }) => error_message.includes('may have been sent'));
        if (response.status === 503 && !unconfirmed) throw new Error('the broker has not come back');
        (errors.length === 0 ? sent : perhaps).push(...data.map((sms) => sms.text));
      },
      { timeout: 40_000, interval: 100 },
    );
  };
  for (let batch = 0; batch < 10; batch++) await sendBatch(batch);
  await rabbit().flushQueueList();
  const killing = rabbit().kill();
  const during = Promise.all([sendBatch(10), sendBatch(11)]);
  await killing;
  await rabbit().restart();
  await during;
  for (let batch = 12; batch < 20; batch++) await sendBatch(batch);
  expect(sent.length).toBeGreaterThanOrEqual(18 * 20);

  const phone = await startPhone('dev3');
  await phone.waitForOutput('stdout', 'batch 19 SMS 19;');
  const received = phone.received().map((body) => String(JSON.parse(body).text));
  expect(new Set(received).size).toBe(received.length);
  for (const text of sent) expect(received).toContain(text);
  for (const text of received) expect([...sent, ...perhaps]).toContain(text);
});

test('a gateway that is suspended during a batch for longer than its lease sends no SMS twice', {
  timeout: 120_000,
}, async () => {
  const { send, swob, startOther } = await startSystems(redis().url);
  const other = await startOther();
  const channel = await openChannel(await connectClient(rabbit().url));
  const binding = networkRoutingKey('dev4', '237', '62401');
  const queue = await bindDekuPhone(channel, developerExchangeName('dev4'), binding);
  const received: string[] = [];
  const data = Array.from({ length: 1_000 }, (_, n) => ({
    number,
    text: `no ${n}`,
    operator_name: operator,
  }));
  await channel.consume(
    queue,
    (message) => message && received.push(String(JSON.parse(String(message.content)).text)),
    { noAck: true },
  );
  const headers = { 'idempotency-key': 'a batch' };
  // Its channel is open then, so that the batch is written to a broker that does not answer.
  expect((await send('dev4', [{ number, text: 'first', operator_name: operator }])).status).toBe(200);
  await expect.poll(() => received).toEqual(['first']);
  rabbit().freeze();
  onTestFinished(() => rabbit().thaw());
  const broken = send('dev4', data, headers);
  await expect
    .poll(() => redis().call('hvals', 'swob:{responses}:values'), { timeout: patient(20_000) })
    .toContain('"begun":50');
  swob.kill('SIGSTOP');
  onTestFinished(() => swob.kill('SIGCONT'));
  rabbit().thaw();
  const response = await send('dev4', data, headers, other.ready.gateway.url);
  expect(response.status).toBe(200);
  const { errors }: { errors: { error_message: string }[] } = JSON.parse(response.text);
  expect(errors).toHaveLength(50);
  for (const { error_message } of errors) expect(error_message).toContain('it may have been sent');
  swob.kill('SIGCONT');
  expect((await broken).status).toBe(503);
  expect(received.toSorted()).toEqual(['first', ...data.map(({ text }) => text)].toSorted());
});

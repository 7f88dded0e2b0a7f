// SMS out of the real binary, over a real RabbitMQ that is killed in the middle, to gateway phones written on pika.

import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startProcess, startSwob } from '../support/binary.ts';
import { needs, python } from '../support/needs.ts';
import { post } from '../support/phone.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { createWorld } from './world.ts';

const rabbit = rabbitForFile();
const operator = 'MTN Cameroon';
const number = '+237650393369';

async function startWorld() {
  const { folder } = await createWorld();
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
  const swob = await startSwob(['serve', 'gateway', ...set.flatMap((each) => ['--set', each])], {
    cwd: folder,
  });
  const { url } = swob.ready.gateway;
  const subscribe = async (auth_id: string): Promise<void> => {
    const body = { id: 'setup', key: 'change-me', auth_id, auth_key: 's3cret' };
    const answer = await post(`${url}/v1/subscribe`, body);
    expect([answer.status, answer.text]).toEqual([200, '']);
  };
  const send = (auth_id: string, data: object[], headers: Record<string, string> = {}) =>
    post(`${url}/v1/sms`, { auth_id, auth_key: 's3cret', data }, headers);
  /** A gateway phone of the developer; `received` are the bodies that it got, in order. */
  const startPhone = async (auth_id: string, as = operator) => {
    const script = join(import.meta.dirname, 'peers', 'gateway_phone.py');
    const phone = startProcess(python, [script, String(rabbit().port), auth_id, 's3cret', as], {
      cwd: folder,
    });
    await phone.said('stdout', 'ready\n');
    return { ...phone, received: () => phone.stdout().trim().split('\n').slice(1) };
  };
  return { subscribe, send, startPhone, swob };
}

test('a phone of today gets its SMS, and nothing of another tenant', async (context) => {
  needs(context, { module: 'pika' });
  const { subscribe, send, startPhone } = await startWorld();
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
  await one.said('stdout', 'Привет');
  await two.said('stdout', 'for two');
  await other.said('stdout', 'for orange');
  expect([one.received(), two.received(), other.received()]).toEqual([
    [JSON.stringify({ text, number })],
    [JSON.stringify({ text: 'for two', number })],
    [JSON.stringify({ text: 'for orange', number })],
  ]);
});

test('a broker that is killed in the middle loses nothing that was answered, and nothing is sent twice', {
  timeout: 120_000,
}, async (context) => {
  needs(context, { module: 'pika' });
  const { subscribe, send, startPhone } = await startWorld();
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
    // The same key until the broker has taken something: what it has, it does not get again.
    await vi.waitFor(
      async () => {
        const answer = await send('dev3', data, { 'idempotency-key': `batch ${batch}` });
        const { errors }: { errors: { error_message: string }[] } = JSON.parse(answer.text);
        const unconfirmed = errors.some(({ error_message }) => error_message.includes('may have been sent'));
        if (answer.status === 503 && !unconfirmed) throw new Error('the broker has not come back');
        (errors.length === 0 ? sent : perhaps).push(...data.map((sms) => sms.text));
      },
      { timeout: 40_000, interval: 100 },
    );
  };
  for (let batch = 0; batch < 10; batch++) await sendBatch(batch);
  await rabbit().writeDown();
  const killing = rabbit().kill();
  const during = Promise.all([sendBatch(10), sendBatch(11)]);
  await killing;
  await rabbit().restart();
  await during;
  for (let batch = 12; batch < 20; batch++) await sendBatch(batch);
  expect(sent.length).toBeGreaterThanOrEqual(18 * 20);

  const phone = await startPhone('dev3');
  await phone.said('stdout', 'batch 19 SMS 19;');
  const received = phone.received().map((body) => String(JSON.parse(body).text));
  expect(new Set(received).size).toBe(received.length);
  for (const text of sent) expect(received).toContain(text);
  for (const text of received) expect([...sent, ...perhaps]).toContain(text);
});

// Many outgoing SMS through the real binary and a stub phone that loses, repeats, reorders and contradicts reports, while swob, the
// phone and RabbitMQ are killed with -9. `TEST_EFFORT=50` sends 10,000 SMS. docs/performance.md, "Outgoing SMS through kills".

import { expect, test, vi } from 'vitest';
import { createStatusToken } from '../../src/crypto/status-token.ts';
import { developerExchangeName } from '../../src/domain/outgoing/broker-names.ts';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { patient } from '../support/patience.ts';
import { get, post } from '../support/phone.ts';
import { freePorts } from '../support/ports.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { onEnd } from '../support/teardown.ts';
import { createInstallation } from './installation.ts';
import { statesOf, watchCallbacks, watchPublished } from './outgoing-kills.ts';

const rabbit = rabbitForFile();
const perRequest = 20;
const requests = 10 * effort;
/** Concurrent clients of the developer; each repeats a request that got no answer. */
const clients = 4;
/** At effort 1 it is not killed, because its start takes 5 s of CPU time. */
const killsOfRabbit = Math.floor(effort / 10);
const killsOfOthers = Math.max(1, Math.floor(effort / 8));
const ttlSeconds = effort > 1 ? 20 : 5;
const authId = 'fire';
const secret = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const mix = 'lossy=15%,duplicate=15%,reorder=15%,contradict=10%,failed=10%,silent=5%,sent=5%,die=1%';

interface Message {
  readonly id: string;
  readonly state: string;
}

async function startSystems() {
  const [port = 0] = await freePorts(1);
  const { folder } = await createInstallation();
  const developer = await startDeveloperStub({ host: '127.0.0.1', port: 0 });
  onEnd(() => developer.close());
  const callbacks = await watchCallbacks(secret);
  const set = [
    `api.port=${port}`,
    `broker.url=${rabbit().url}`,
    `broker.management_url=${rabbit().managementUrl}`,
    'broker.management_user=guest',
    'broker.management_password=guest',
    'broker.timeout=2s',
    'outgoing.setup_id=setup',
    'outgoing.setup_key=change-me',
    'outgoing.callback_allow=127.0.0.1',
    `outgoing.callback_secret=${secret}`,
    'outgoing.status_secret=0123456789abcdef0123456789abcdef',
    'outgoing.report_grace=1s',
    'limits.sms=off',
    `dev_api.authentication_url=${developer.url}/v1/authenticate`,
  ].flatMap((each) => ['--set', each]);
  const url = `http://127.0.0.1:${port}`;
  const startGateway = () => startSwob(['serve', 'gateway', ...set], { cwd: folder });
  const token = createStatusToken('0123456789abcdef0123456789abcdef', authId);
  const phone = [
    '--auth-id',
    authId,
    '--url',
    `amqp://127.0.0.1:${rabbit().port}`,
    '--port',
    '0',
    '--prefetch',
    '20',
    '--mix',
    mix,
  ];
  const startPhone = (seed: string) =>
    startSwob(
      ['stub', 'phone', ...phone, '--by-part', '--seed', seed, '--status-url', `${url}/v1/status/${authId}`],
      { cwd: folder, env: { SWOB_AUTH_KEY: 's3cret', SWOB_STATUS_TOKEN: token } },
    );
  return { url, callbacks, startGateway, startPhone };
}

test(`${requests * perRequest} SMS end in one state each, which is reported once, despite kills`, {
  timeout: patient(300_000 * effort),
}, async () => {
  const { url, callbacks, startGateway, startPhone } = await startSystems();
  let gateway: RunningProcess = await startGateway();
  const subscription = { id: 'setup', key: 'change-me', auth_id: authId, auth_key: 's3cret' };
  expect((await post(`${url}/v1/subscribe`, subscription)).status).toBe(200);
  let phone: RunningProcess = await startPhone('0');
  const published = await watchPublished(rabbit().url, developerExchangeName(authId));
  await rabbit().flushQueueList();

  let kills = 0;
  const kill = {
    gateway: async () => {
      gateway.kill('SIGKILL');
      await gateway.exit;
      gateway = await startGateway();
    },
    phone: async () => {
      phone.kill('SIGKILL');
      await phone.exit;
      phone = await startPhone(String(++kills));
    },
    rabbit: () => rabbit().restart(),
  };
  const send = async (n: number): Promise<void> => {
    const data = Array.from({ length: perRequest }, (_, index) => ({
      number: '+237650393369',
      // One in four has two parts.
      text: `no ${n}/${index};${index % 4 === 0 ? 'x'.repeat(160) : ''}`,
    }));
    const body = {
      ...{ auth_id: authId, auth_key: 's3cret', data, uuid: `request-${n}`, ttl: ttlSeconds },
      ...{ callback_url: callbacks.url, callback_events: ['sent', 'delivered', 'failed', 'expired'] },
    };
    await vi.waitFor(
      async () => {
        const response = await post(`${url}/v1/sms`, body);
        if (response.status !== 200) throw new Error(`${response.status} ${response.text}`);
      },
      { timeout: 120_000, interval: 100 },
    );
  };
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < requests) await send(next++);
  };
  const plan = [
    ...Array.from({ length: killsOfOthers }, (_, n) => [
      { at: (n + 0.4) / killsOfOthers, run: kill.gateway },
      { at: (n + 0.7) / killsOfOthers, run: kill.phone },
    ]).flat(),
    ...Array.from({ length: killsOfRabbit }, (_, n) => ({ at: (n + 0.5) / killsOfRabbit, run: kill.rabbit })),
  ].sort((a, b) => a.at - b.at);
  const killing = async (): Promise<void> => {
    for (const { at, run } of plan) {
      await expect
        .poll(() => next, { timeout: patient(120_000), interval: 5 })
        .toBeGreaterThan(at * requests);
      await run();
    }
  };
  await Promise.all([killing(), ...Array.from({ length: clients }, client)]);

  const authorization = `Basic ${Buffer.from(`${authId}:s3cret`).toString('base64')}`;
  const messagesOf = async (n: number): Promise<Message[]> => {
    const { text } = await get(`${url}/v1/sms/request-${n}`, { headers: { authorization } });
    return JSON.parse(text).messages;
  };
  const messages: Message[] = [];
  for (let n = 0; n < requests; n++) {
    const isEnded = ({ state }: Message): boolean => state !== 'queued' && state !== 'sent';
    await expect
      .poll(async () => (await messagesOf(n)).filter((each) => !isEnded(each)), { timeout: patient(120_000) })
      .toEqual([]);
    const found = await messagesOf(n);
    expect(found).toHaveLength(perRequest);
    messages.push(...found);
  }
  const learnt = (): ReadonlyMap<string, readonly string[]> => statesOf(callbacks.calls);
  const wrong = () => {
    const states = learnt();
    return messages.flatMap(({ id, state }) => {
      const got = states.get(id) ?? [];
      const isRight = got.at(-1) === state && (got.length === 1 || (got.length === 2 && got[0] === 'sent'));
      return isRight ? [] : [{ id, state, got }];
    });
  };
  await expect.poll(wrong, { timeout: patient(120_000), interval: 500 }).toEqual([]);
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  expect([...learnt().keys()].sort()).toEqual(messages.map(({ id }) => id).sort());
  const twice = (list: readonly unknown[]): unknown[] => list.filter((each, at) => list.indexOf(each) !== at);
  expect(twice(published.map(({ text }) => text))).toEqual([]);
  const delivered = messages.filter(({ state }) => state === 'delivered');
  expect(delivered.length).toBeGreaterThan(messages.length / 10);
});

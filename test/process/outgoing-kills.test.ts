// Many outgoing SMS through the real binary and a stub phone that loses, repeats, reorders and contradicts reports, while swob, the
// phone and RabbitMQ are killed with -9. `TEST_EFFORT=50` sends 10,000 SMS. docs/performance.md, "Outgoing SMS through kills".

import { expect, test, vi } from 'vitest';
import { developerExchangeName } from '../../src/domain/outgoing/broker-names.ts';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { patient } from '../support/patience.ts';
import { post } from '../support/phone.ts';
import { freePorts } from '../support/ports.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { createInstallation } from './installation.ts';
import {
  authId,
  authKey,
  endedMessages,
  expectOneEndEach,
  outgoingSettings,
  type SentMessage,
  statusToken,
  subscribe,
  watchCallbacks,
  watchPublished,
} from './outgoing-kills.ts';

const rabbit = rabbitForFile();
const perRequest = 20;
const requests = 10 * effort;
/** Concurrent clients of the developer; each repeats a request that got no answer. */
const clients = 4;
/** At effort 1 it is not killed, because its start takes 5 s of CPU time. */
const killsOfRabbit = Math.floor(effort / 10);
const killsOfOthers = Math.max(1, Math.floor(effort / 8));
const ttlSeconds = effort > 1 ? 20 : 5;
const mix = 'lossy=15%,duplicate=15%,reorder=15%,contradict=10%,failed=10%,silent=5%,sent=5%,die=1%';

async function startSystems() {
  const [port = 0] = await freePorts(1);
  const { folder } = await createInstallation();
  const callbacks = await watchCallbacks();
  const settings = [`api.port=${port}`, 'broker.timeout=2s', ...(await outgoingSettings(rabbit()))];
  const set = settings.flatMap((each) => ['--set', each]);
  const url = `http://127.0.0.1:${port}`;
  const startGateway = () => startSwob(['serve', 'gateway', ...set], { cwd: folder });
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
      { cwd: folder, env: { SWOB_AUTH_KEY: authKey, SWOB_STATUS_TOKEN: statusToken } },
    );
  return { url, callbacks, startGateway, startPhone };
}

test(`${requests * perRequest} SMS end in one state each, which is reported once, despite kills`, {
  timeout: patient(300_000 * effort),
}, async () => {
  const { url, callbacks, startGateway, startPhone } = await startSystems();
  let gateway: RunningProcess = await startGateway();
  await subscribe(url);
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
      ...{ auth_id: authId, auth_key: authKey, data, uuid: `request-${n}`, ttl: ttlSeconds },
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

  const messages: SentMessage[] = [];
  for (let n = 0; n < requests; n++) {
    const found = await endedMessages(url, `request-${n}`);
    expect(found).toHaveLength(perRequest);
    messages.push(...found);
  }
  await expectOneEndEach(messages, callbacks.calls, published);
  const delivered = messages.filter(({ state }) => state === 'delivered');
  expect(delivered.length).toBeGreaterThan(messages.length / 10);
});

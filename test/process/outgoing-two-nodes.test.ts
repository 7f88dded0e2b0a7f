// Large requests for outgoing SMS at two gateways on one Redis, of which the one that works on the request is killed with -9 in the
// middle of it: the developer repeats the request at the other one. `TEST_EFFORT=5` does so ten times.

import { expect, test, vi } from 'vitest';
import { developerExchangeName } from '../../src/domain/outgoing/broker-names.ts';
import { type RunningProcess, startSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { patient } from '../support/patience.ts';
import { post } from '../support/phone.ts';
import { freePorts } from '../support/ports.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';
import { redisForFile } from '../support/redis.ts';
import { startProxy } from '../support/tcp-proxy.ts';
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

const redis = redisForFile({ appendfsync: 'always' });
const rabbit = rabbitForFile();
/** Several batches. */
const perRequest = 300;
const requests = effort === 1 ? 1 : 2 * effort;
/** The other node takes over when the lease of the killed one has expired, after 10 s. */
const ttlSeconds = 20;
/** What the node sends to RabbitMQ before it stops: some batches of a request, and never all. */
const bytesBeforeKill = 50_000;

async function startNodes() {
  const ports = await freePorts(2);
  const { folder } = await createInstallation();
  const callbacks = await watchCallbacks();
  const nodes = await Promise.all(
    ports.map(async (port) => {
      const network = await startProxy(rabbit().port);
      const url = `amqp://guest:guest@127.0.0.1:${network.port}`;
      const settings = [
        ...(await outgoingSettings({ ...rabbit(), url })),
        `api.port=${port}`,
        'broker.timeout=60s',
        `store.url=${redis().url}`,
      ];
      const start = () =>
        startSwob(['serve', 'gateway', ...settings.flatMap((each) => ['--set', each])], { cwd: folder });
      return { url: `http://127.0.0.1:${port}`, network, start };
    }),
  );
  const startPhone = (url: string) => {
    const to = ['--url', `amqp://127.0.0.1:${rabbit().port}`, '--status-url', `${url}/v1/status/${authId}`];
    const mix = ['--mix', 'lossy=10%,duplicate=10%,failed=10%,silent=5%', '--seed', '1'];
    return startSwob(
      ['stub', 'phone', '--auth-id', authId, '--port', '0', '--prefetch', '50', ...to, ...mix],
      {
        cwd: folder,
        env: { SWOB_AUTH_KEY: authKey, SWOB_STATUS_TOKEN: statusToken },
      },
    );
  };
  return { nodes, callbacks, startPhone };
}

test('a request whose node is killed continues at the other one: each SMS ends once, and none is published twice', {
  timeout: patient(180_000 * requests),
}, async () => {
  const { nodes, callbacks, startPhone } = await startNodes();
  // One after the other, because the first makes the keys.
  const running: RunningProcess[] = [];
  for (const { start } of nodes) running.push(await start());
  await subscribe(nodes[1]?.url ?? '');
  await startPhone(nodes[1]?.url ?? '');
  const published = await watchPublished(rabbit().url, developerExchangeName(authId));

  const messages: SentMessage[] = [];
  for (let n = 0; n < requests; n++) {
    const [killed, other] = n % 2 === 0 ? nodes : nodes.toReversed();
    if (!killed || !other) throw new Error('there are no two nodes');
    const uuid = `request-${n}`;
    const body = {
      ...{ auth_id: authId, auth_key: authKey, uuid, ttl: ttlSeconds },
      data: Array.from({ length: perRequest }, (_, index) => ({
        number: '+237650393369',
        text: `no ${n}/${index}`,
      })),
      ...{ callback_url: callbacks.url, callback_events: ['sent', 'delivered', 'failed', 'expired'] },
    };
    const isStopped = killed.network.disconnectAfter(bytesBeforeKill);
    const interrupted = post(`${killed.url}/v1/sms`, body).then(
      ({ status }) => status,
      () => 'interrupted',
    );
    await isStopped;
    const victim = running[nodes.indexOf(killed)];
    victim?.kill('SIGKILL');
    await victim?.exit;
    expect(await interrupted).toBe('interrupted');
    const repeated = vi.waitFor(
      async () => {
        const response = await post(`${other.url}/v1/sms`, body);
        if (response.status !== 200) throw new Error(`${response.status} ${response.text}`);
        return JSON.parse(response.text).messages;
      },
      { timeout: 120_000, interval: 100 },
    );
    await killed.network.reconnect();
    // Both review messages and send callbacks from now on.
    running[nodes.indexOf(killed)] = await killed.start();
    expect(await repeated).toHaveLength(perRequest);
    messages.push(...(await endedMessages(killed.url, uuid)));
  }

  expect(messages).toHaveLength(requests * perRequest);
  await expectOneEndEach(messages, callbacks.calls, published);
  // The other node has sent the rest, and left out what may have been sent.
  expect(published.length).toBeGreaterThan(messages.length / 2);
  expect(published.length).toBeLessThanOrEqual(messages.length);
});

// What several nodes together do exactly once: each inbound SMS is published once, each token logs out once, whichever
// nodes get the requests, concurrently, and while nodes are killed.

import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { runSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createPhone, get, post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { redisNeeds } from '../support/redis-server.ts';
import { encryptAsApp } from '../support/sms.ts';
import { onEnd, sharedByFile } from '../support/teardown.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-service.ts';
import { portOf } from './installation.ts';
import { killAndStart, pairWithRetries, startNodeCluster } from './node-cluster.ts';

const redis = redisForFile({ appendfsync: 'always' });
const local = { host: '127.0.0.1', port: 0 };
const msisdn = '+237650393369';
const users = new Map([['alice', 'correct horse']]);
const count = 75 * effort;
const killEvery = 25;
/** Messages that both of two gateways get. */
const twice = 25 * effort;

test(`${count} SMS, each submitted to two gateways concurrently, arrive once while gateways are killed`, async () => {
  await redis().flush();
  const publisher = await startPublisherStub({ ...local, fail: { failing: 1, of: 3 }, dedupe: false });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const cluster = await startNodeCluster(redis().port, users, {
    set: [
      `publisher.port=${portOf(publisher.url)}`,
      'publisher.retries=100',
      'publisher.retry_pause=100ms',
      `backend_publisher.port=${portOf(developer.url)}`,
      'limits.sms=off',
    ],
  });
  const { key } = await pairWithRetries(cluster, 'alice', 'correct horse', createPhone());

  const messages = Array.from({ length: count }, (_, n) => `g:to@example.org:::no ${n}:📨`);
  const offer = async (body: object): Promise<void> => {
    for (;;) {
      const response = await post(`${cluster.next('gateway').url}/sms/platform/gateway-client`, body).catch(
        () => undefined,
      );
      if (response?.status === 200 || response?.status === 202) return;
    }
  };
  const gateways = cluster.nodes.filter(({ role }) => role === 'gateway');
  const waiting = messages.values();
  let kill: Promise<void> = Promise.resolve();
  let offered = 0;
  const client = async (): Promise<void> => {
    for (const message of waiting) {
      const body = { text: encryptAsApp(key, message), MSISDN: msisdn };
      await Promise.all([offer(body), offer(body)]);
      const victim = gateways[(offered / killEvery) % gateways.length];
      if (++offered % killEvery === 0 && victim) kill = kill.then(() => killAndStart(victim));
    }
  };
  await Promise.all(Array.from({ length: 6 }, client));
  await kill;
  const calls = () => publisher.messages();
  await expect
    .poll(() => new Set(calls().map(({ message }) => message)).size, { interval: 200 })
    .toBe(messages.length);

  const byId = new Map(calls().map(({ id, message }) => [id, message]));
  expect([...byId.values()].sort()).toEqual([...messages].sort());
  // Only messages that a killed gateway was sending may arrive twice.
  expect(calls().length - messages.length).toBeLessThanOrEqual((count / killEvery) * 22);
});

describe('two gateways with one store', () => {
  const shared = sharedByFile(async () => {
    await redis().flush();
    const publisher = await startPublisherStub({ ...local, dedupe: false });
    const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
    onEnd(async () => void (await Promise.all([publisher.close(), developer.close()])));
    const port = portOf(publisher.url);
    const set = [
      `publisher.port=${port}`,
      'publisher.max_pause=1s',
      `backend_publisher.port=${portOf(developer.url)}`,
    ];
    const cluster = await startNodeCluster(redis().port, users, { each: 2, set });
    const { key } = await pairWithRetries(cluster, 'alice', 'correct horse', createPhone());
    const gateways = cluster.nodes.filter(({ role }) => role === 'gateway');
    return { publisher, port, key, gateways };
  }, redisNeeds);

  test('call the Publisher once for an SMS that both get concurrently', async () => {
    const { publisher, key, gateways } = shared();
    for (let n = 0; n < twice; n++) {
      const body = { text: encryptAsApp(key, `g:to@example.org:::no ${n}`), MSISDN: msisdn };
      const responses = gateways.map(({ url }) => post(`${url}/sms/platform/gateway-client`, body));
      for (const { status, text } of await Promise.all(responses)) {
        expect([status, text]).toEqual([200, 'message published successfully']);
      }
    }
    expect(publisher.messages()).toHaveLength(twice);
  });

  test('do not accept a third one with another key pair, which exits and says what to do', async () => {
    expect((await get(`${shared().gateways[0]?.url}/livez`)).status).toBe(200);
    const folder = temporaryFolder();
    const files = ['public_key', 'private_key', 'admin_token'].flatMap((name) => [
      '--set',
      `security.${name}_filepath=${join(folder, name)}`,
    ]);
    const { code, stderr } = await runSwob(
      ['serve', 'gateway', '--set', `store.url=${redis().url}`, '--set', 'api.port=0', ...files],
      { cwd: folder },
    );
    expect(code).toBe(78);
    expect(stderr).toContain(
      'differs from that of the other gateways that share the store: copy both key files',
    );
  });

  test('take over: one delivers the waiting message of the other after it was killed', async () => {
    const { publisher, port, key, gateways } = shared();
    const [first] = gateways;
    await publisher.close();
    const body = { text: encryptAsApp(key, 'g:to@example.org:::hello'), MSISDN: msisdn };
    expect((await post(`${first?.url}/sms/platform/gateway-client`, body)).status).toBe(202);
    first?.process().kill('SIGKILL');
    const again = await startPublisherStub({ ...local, port });
    onTestFinished(() => again.close());
    await expect.poll(() => again.messages().length).toBe(1);
  });
});

test('a token sent to two disconnect services concurrently is one call of the PCRF, and both share the limit', async () => {
  await redis().flush();
  const pcrf = await startPcrfStub({ ...local, mode: 'slow', ms: 500 });
  onTestFinished(() => pcrf.close());
  const keys = await makeKeys();
  const set = [`store.url=${redis().url}`, 'limits.disconnects=6/1m'];
  const services = await Promise.all([1, 2].map(() => serveDisconnect(keys, pcrf.url, set)));
  const token = keys.token();
  const both = services.map(({ ready }) => call(ready.disconnect.url, token));
  expect(await Promise.all(both)).toEqual(['200 {"success":true}', '200 {"success":true}']);
  expect(pcrf.requests()).toHaveLength(1);
  const more = Array.from({ length: 10 }, (_, n) =>
    call(services[n % 2]?.ready.disconnect.url ?? '', keys.token({ jti: `${n}` })),
  );
  const statuses = (await Promise.all(more)).map((response) => response.slice(0, 3)).sort();
  expect(statuses).toEqual([...Array(4).fill('200'), ...Array(6).fill('429')]);
});

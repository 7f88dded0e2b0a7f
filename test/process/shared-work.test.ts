// What several nodes do once between them: each inbound SMS is published once, each token logs out once, whichever
// nodes are asked, at the same time, and while they are killed.

import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { runSwob } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createPhone, get, post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { encryptAsApp } from '../support/sms.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-world.ts';
import { killAndStart, pairSomehow, startNodes } from './many-nodes-world.ts';
import { portOf } from './world.ts';

const redis = redisForFile({ appendfsync: 'always' });
const local = { host: '127.0.0.1', port: 0 };
const msisdn = '+237650393369';
const users = new Map([['alice', 'correct horse']]);

test('300 SMS, each offered to two gateways at once, arrive once while gateways are killed', {
  timeout: 180_000,
}, async () => {
  await redis().flush();
  const publisher = await startPublisherStub({ ...local, fail: { failing: 1, of: 3 }, dedupe: false });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const world = await startNodes(redis().port, users, {
    set: [
      `publisher.port=${portOf(publisher.url)}`,
      'publisher.max_pause=1s',
      `backend_publisher.port=${portOf(developer.url)}`,
      'limits.sms=off',
    ],
  });
  const { key } = await pairSomehow(world, 'alice', 'correct horse', createPhone());

  const messages = Array.from({ length: 300 }, (_, n) => `g:to@example.org:::no ${n}:📨`);
  const offer = async (body: object): Promise<void> => {
    for (;;) {
      const answer = await post(`${world.next('gateway').url}/sms/platform/gateway-client`, body).catch(
        () => undefined,
      );
      if (answer?.status === 200 || answer?.status === 202) return;
    }
  };
  const gateways = world.nodes.filter(({ role }) => role === 'gateway');
  const waiting = messages.values();
  let kill: Promise<void> = Promise.resolve();
  let offered = 0;
  const client = async (): Promise<void> => {
    for (const message of waiting) {
      const body = { text: encryptAsApp(key, message), MSISDN: msisdn };
      await Promise.all([offer(body), offer(body)]);
      const victim = gateways[(offered / 60) % gateways.length];
      if (++offered % 60 === 0 && victim) kill = kill.then(() => killAndStart(victim));
    }
  };
  await Promise.all(Array.from({ length: 6 }, client));
  await kill;
  const calls = () => publisher.messages();
  await expect
    .poll(() => new Set(calls().map(({ message }) => message)).size, { timeout: 90_000, interval: 200 })
    .toBe(messages.length);

  const byId = new Map(calls().map(({ id, message }) => [id, message]));
  expect([...byId.values()].sort()).toEqual([...messages].sort());
  // Twice only what was under way in a gateway that was killed.
  expect(calls().length - messages.length).toBeLessThanOrEqual(5 * 22);
});

test('an SMS at two gateways at once is one call of the Publisher', { timeout: 60_000 }, async () => {
  await redis().flush();
  const publisher = await startPublisherStub({ ...local, dedupe: false });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const world = await startNodes(redis().port, users, {
    each: 2,
    set: [`publisher.port=${portOf(publisher.url)}`, `backend_publisher.port=${portOf(developer.url)}`],
  });
  const { key } = await pairSomehow(world, 'alice', 'correct horse', createPhone());
  const gateways = world.nodes.filter(({ role }) => role === 'gateway');
  for (let n = 0; n < 60; n++) {
    const body = { text: encryptAsApp(key, `g:to@example.org:::no ${n}`), MSISDN: msisdn };
    const answers = gateways.map(({ url }) => post(`${url}/sms/platform/gateway-client`, body));
    for (const { status, text } of await Promise.all(answers)) {
      expect([status, text]).toEqual([200, 'message published successfully']);
    }
  }
  expect(publisher.messages()).toHaveLength(60);
});

test('a message that no gateway could deliver is delivered by another one when its own is gone', {
  timeout: 120_000,
}, async () => {
  await redis().flush();
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  const away = await startPublisherStub(local);
  onTestFinished(() => developer.close());
  const port = portOf(away.url);
  await away.close();
  const world = await startNodes(redis().port, users, {
    each: 2,
    set: [
      `publisher.port=${port}`,
      'publisher.max_pause=1s',
      `backend_publisher.port=${portOf(developer.url)}`,
    ],
  });
  const { key } = await pairSomehow(world, 'alice', 'correct horse', createPhone());
  const [first] = world.nodes.filter(({ role }) => role === 'gateway');
  const body = { text: encryptAsApp(key, 'g:to@example.org:::hello'), MSISDN: msisdn };
  expect((await post(`${first?.url}/sms/platform/gateway-client`, body)).status).toBe(202);
  first?.process().kill('SIGKILL');
  const publisher = await startPublisherStub({ ...local, port });
  onTestFinished(() => publisher.close());
  await expect.poll(() => publisher.messages().length, { timeout: 60_000 }).toBe(1);
});

test('a token at two disconnect services at once is one call of the PCRF, and a limit counts over both', {
  timeout: 60_000,
}, async () => {
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
  const statuses = (await Promise.all(more)).map((answer) => answer.slice(0, 3)).sort();
  expect(statuses).toEqual([...Array(4).fill('200'), ...Array(6).fill('429')]);
});

test('a gateway with another key pair than the others does not start, and says what to do', {
  timeout: 60_000,
}, async () => {
  await redis().flush();
  const world = await startNodes(redis().port, users, { each: 1 });
  const [gateway] = world.nodes;
  expect((await get(`${gateway?.url}/livez`)).status).toBe(200);
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
  expect(stderr).toContain('is not the one of the gateways that share the store: copy both key files');
});

// A revocation that was answered is in effect on every node and after a kill -9: in a folder, and in Redis with two gateways.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { startSwob } from '../support/binary.ts';
import { createPhone, get, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { encryptAsApp } from '../support/sms.ts';
import { onEnd } from '../support/teardown.ts';
import { createInstallation } from './installation.ts';

const redis = redisForFile({ appendfsync: 'always' });
const msisdn = '+237650393369';

/** A folder in which gateways are started, and the systems that they call. */
async function prepare(...settings: string[]) {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub(local);
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onEnd(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const [publisherUrl, developerUrl] = [new URL(publisher.url), new URL(developer.url)];
  const extra = [
    ...['[publisher]', `host = ${publisherUrl.hostname}`, `port = ${publisherUrl.port}`],
    ...['[backend_publisher]', `host = ${developerUrl.hostname}`, `port = ${developerUrl.port}`],
    ...['[dev_api]', `authentication_url = ${developer.url}/v1/authenticate`],
  ].join('\n');
  const { folder, data } = await createInstallation({ extra });
  return {
    publisher,
    start: async () => {
      const args = settings.flatMap((setting) => ['--set', setting]);
      const running = await startSwob(['serve', 'gateway', ...args], { cwd: folder });
      return { running, url: running.ready.gateway.url };
    },
    adminToken: () => readFileSync(join(data, 'security', 'admin.token'), 'utf8').trim(),
  };
}

const send = async (gateway: string, key: string, message: string): Promise<string> =>
  (await post(`${gateway}/sms/platform/gateway-client`, { text: encryptAsApp(key, message), MSISDN: msisdn }))
    .text;

const pairAlice = async (gateway: string): Promise<string> =>
  pair(handshakeUrlOf(gateway, await openSession(gateway, 'alice')), createPhone(), 'correct horse');

const revoke = (gateway: string, token: string) =>
  get(`${gateway}/sync/users/alice/paired`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}` },
  });

const published = 'message published successfully';
const refused = 'message cannot be published';

test('in a folder, after a kill -9 right after the answer', async () => {
  const setup = await prepare();
  const first = await setup.start();
  const former = await pairAlice(first.url);
  const current = await pairAlice(first.url);
  for (const key of [former, current]) expect(await send(first.url, key, `g:by ${key}`)).toBe(published);
  expect((await revoke(first.url, setup.adminToken())).status).toBe(200);
  first.running.kill('SIGKILL');
  await first.running.exit;
  const second = await setup.start();
  for (const key of [former, current]) expect(await send(second.url, key, `g:again by ${key}`)).toBe(refused);
  expect(await send(second.url, await pairAlice(second.url), 'g:by a new key')).toBe(published);
  expect(setup.publisher.messages()).toHaveLength(3);
});

test('in Redis, on the other gateway immediately, also when the one that answered is killed', async () => {
  const setup = await prepare(`store.url=${redis().url}`);
  const first = await setup.start();
  const second = await setup.start();
  const former = await pairAlice(first.url);
  const current = await pairAlice(second.url);
  for (const key of [former, current]) expect(await send(second.url, key, `g:by ${key}`)).toBe(published);
  expect((await revoke(first.url, setup.adminToken())).status).toBe(200);
  first.running.kill('SIGKILL');
  for (const key of [former, current]) expect(await send(second.url, key, `g:again by ${key}`)).toBe(refused);
  await redis().restart();
  await expect.poll(() => send(second.url, current, 'g:after the restart of Redis')).toBe(refused);
  expect(setup.publisher.messages()).toHaveLength(2);
});

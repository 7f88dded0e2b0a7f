// What is secret stands in no log line: the real binary, every route of its three services, every level, and stderr, files
// and Graylog are searched. Once with the systems around, and once with all of them gone.

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { startUsersStub } from '../../src/stubs/users.ts';
import { runSwob, startSwob } from '../support/binary.ts';
import { filesIn } from '../support/folders.ts';
import { type GelfListener, startGelfListener } from '../support/gelf.ts';
import {
  createPhone,
  decryptWith,
  encryptFor,
  get,
  handshakeUrlOf,
  openSession,
  post,
  shakeHands,
} from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { openSocket } from '../support/socket.ts';
import { type Keys, makeKeys } from './disconnect-world.ts';

/** Recognisable wherever they turn up. */
const secrets = {
  password: 'hunter2-password',
  wrongPassword: 'hunter2-wrong',
  message: 'hunter2 message text',
  sender: '+237650393369',
  seedNumber: '+237650777888',
  recipient: '+237650111222',
  tokenSecret: 'hunter2-token-secret',
  authKey: 'hunter2-auth-key',
  ourAuthKey: 'hunter2-our-auth-key',
  setupKey: 'hunter2-setup-key',
  callbackSecret: 'hunter2-callback-secret',
  callbackToken: 'hunter2-callback-token',
  twilio: 'hunter2-twilio',
  broker: 'hunter2-broker',
  management: 'hunter2-management',
  bearer: 'hunter2-bearer',
};
const local = { host: '127.0.0.1', port: 0 };

async function startStubs() {
  const users = await startUsersStub({ ...local, users: new Map([['alice', secrets.password]]) });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[secrets.sender, 'alice']]) });
  const publisher = await startPublisherStub(local);
  const pcrf = await startPcrfStub(local);
  const all = [users, developer, publisher, pcrf];
  const close = async (): Promise<void> => void (await Promise.all(all.map((stub) => stub.close())));
  onTestFinished(close);
  return { users, developer, publisher, pcrf, close };
}

type Stubs = Awaited<ReturnType<typeof startStubs>>;
const portOf = (url: string): string => new URL(url).port;

const settings = (stubs: Stubs, keys: Keys, graylog: GelfListener): string[] =>
  [
    'api.port=0',
    'websocket.port=0',
    'disconnect.port=0',
    'disconnect.host=127.0.0.1',
    'logging.level=debug',
    'logging.base_dir=logs',
    'logging.gelf_level=debug',
    'logging.gelf_host=udp:127.0.0.1',
    `logging.gelf_port=${graylog.port}`,
    `validation.public_key=${keys.publicFile}`,
    `pcrf.host=127.0.0.1`,
    `pcrf.port=${portOf(stubs.pcrf.url)}`,
    `publisher.port=${portOf(stubs.publisher.url)}`,
    `backend_publisher.port=${portOf(stubs.developer.url)}`,
    'backend_publisher.cache_ttl=0s',
    `dev_api.authentication_url=${stubs.developer.url}/v1/authenticate`,
    'dev_api.auth_id=us',
    `dev_api.auth_key=${secrets.ourAuthKey}`,
    `user_management_api.api_url=${stubs.users.url}`,
    `user_management_api.verification_url=${stubs.users.url}/v2/users/%s/verify`,
    `user_management_api.platforms_url=${stubs.users.url}/v2/users/%s/platforms`,
    `seeds.token_secret=${secrets.tokenSecret}`,
    `outgoing.setup_id=setup`,
    `outgoing.setup_key=${secrets.setupKey}`,
    `outgoing.callback_secret=${secrets.callbackSecret}`,
    'outgoing.callback_allow=127.0.0.1',
    `twilio.auth_token=${secrets.twilio}`,
    // Nobody is there.
    `broker.url=amqp://swob:${secrets.broker}@127.0.0.1:1`,
    `broker.management_url=http://127.0.0.1:1`,
    `broker.management_user=swob`,
    `broker.management_password=${secrets.management}`,
    'broker.timeout=500ms',
  ].flatMap((setting) => ['--set', setting]);

test('no secret stands in any line, whatever is asked and whatever fails', async () => {
  const keys = await makeKeys();
  const graylog = await startGelfListener();
  const stubs = await startStubs();
  const { folder } = keys;
  const swob = await startSwob<Record<'gateway' | 'sync' | 'disconnect', { url: string }>>(
    ['serve', 'gateway', 'sync', 'disconnect', ...settings(stubs, keys, graylog)],
    { cwd: folder },
  );
  const { gateway, sync, disconnect } = swob.ready;
  const admin = readFileSync(join(folder, 'data/security/admin.token'), 'utf8').trim();
  const printed = await runSwob(
    ['seeds', 'token', '111', '--set', `seeds.token_secret=${secrets.tokenSecret}`],
    { cwd: folder },
  );
  const seedToken = printed.stdout.trim();
  const tokens = [
    keys.token(),
    keys.token({ exp: 1 }),
    keys.token({ sessionId: '1' }).slice(0, -8),
    `${'ey'.repeat(4_000)}.x.y`,
  ];
  const sharedKeys: string[] = [];

  const seen = new Set<string>();
  /** A request of the gateway; `route` as in its documentation. */
  const call = async (
    method: string,
    route: string,
    options: { path?: string; body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    seen.add(`${method} ${route}`);
    const raw = typeof options.body === 'string';
    return get(`${gateway.url}${options.path ?? route}?token=${secrets.bearer}`, {
      method,
      headers: {
        authorization: `Bearer ${secrets.bearer}`,
        'content-type': 'application/json',
        ...options.headers,
      },
      ...(options.body !== undefined && { body: raw ? String(options.body) : JSON.stringify(options.body) }),
    });
  };

  const pairing = async (password: string): Promise<void> => {
    const socket = await openSocket(await openSession(gateway.url, 'alice'), {
      headers: { authorization: secrets.bearer },
    });
    const { qr_url } = JSON.parse(await socket.next());
    const phone = createPhone();
    const { publicKey, verificationUrl } = await shakeHands(qr_url, phone);
    const answer = await post(verificationUrl, {
      password: encryptFor(publicKey, Buffer.from(password)).toString('base64'),
    });
    if (answer.status === 200) {
      sharedKeys.push(
        decryptWith(phone.privateKey, Buffer.from(JSON.parse(answer.text).shared_key, 'base64')).toString(),
      );
    }
    const session = '/v2/sync/users/{userId}/sessions/{sessionId}';
    const path = new URL(verificationUrl).pathname;
    await call('POST', session, { path, body: { password } });
    await call('POST', `${session}/handshake`, {
      path: `${path}/handshake`,
      body: { public_key: secrets.bearer },
    });
    await call('PUT', session, { path });
    await call('GET', '/v2/sync/users/{userId}', { path: '/v2/sync/users/alice' });
    socket.raw.close();
    expect(handshakeUrlOf(gateway.url, qr_url)).not.toBe('');
  };

  const everything = async (): Promise<void> => {
    const admins = { authorization: `Bearer ${admin}` };
    const seed = { IMSI: '111', MSISDN: secrets.seedNumber, seed_type: 'seed' };
    await call('GET', '/seeds');
    await call('GET', '/seeders');
    await call('GET', '/seeds/{IMSI}', { path: '/seeds/111' });
    await call('POST', '/seeds/ping', { body: seed });
    await call('POST', '/seeds/ping', { body: seed, headers: { authorization: `Bearer ${seedToken}` } });
    await call('POST', '/seeds/ping', { body: `{"IMSI":"${secrets.seedNumber}` });
    await call('POST', '/seeds', {
      body: { IMSI: '222', MSISDN: secrets.seedNumber },
      headers: { authorization: `Bearer ${seedToken}` },
    });
    await pairing(secrets.password);
    await pairing(secrets.wrongPassword);

    const text = encryptAsApp(
      sharedKeys[0] ?? 'k'.repeat(32),
      `a:bob:alice@example.org:subject:${secrets.message} ${Math.random()}`,
    );
    for (const body of [
      { text, MSISDN: secrets.sender },
      { text: secrets.message, MSISDN: secrets.sender },
      secrets.message,
    ]) {
      await call('POST', '/sms/platform/{platform}', { path: '/sms/platform/gateway-client', body });
    }
    const form = new URLSearchParams({ From: secrets.sender, Body: text, To: '+1' }).toString();
    const signature = createHmac('sha1', secrets.twilio)
      .update(`${gateway.url}/sms/platform/twilio`)
      .digest('base64');
    await call('POST', '/sms/platform/{platform}', {
      path: '/sms/platform/twilio',
      body: form,
      headers: { 'x-twilio-signature': signature },
    });

    for (const headers of [{}, admins]) {
      await call('GET', '/sms/failed', { headers });
      await call('POST', '/sms/failed/retry', { headers, body: {} });
      await call('GET', '/sms/messages/{id}', { path: `/sms/messages/${'0'.repeat(32)}`, headers });
      await call('DELETE', '/sms/messages/{id}', { path: `/sms/messages/${'0'.repeat(32)}`, headers });
      await call('POST', '/sms/messages/{id}/retry', {
        path: `/sms/messages/${'0'.repeat(32)}/retry`,
        headers,
        body: {},
      });
      await call('GET', '/sync/users/{userId}/paired', { path: '/sync/users/alice/paired', headers });
    }

    const auth = { auth_id: 'dev', auth_key: secrets.authKey };
    const setup = { ...auth, id: 'setup', key: secrets.setupKey };
    await call('POST', '/v1/subscribe', { body: setup });
    await call('POST', '/v1/subscribe', { body: { ...setup, key: secrets.bearer } });
    await call('DELETE', '/v1/unsubscribe', { body: setup });
    const callback_url = `http://127.0.0.1:1/done?token=${secrets.callbackToken}`;
    for (const number of [secrets.recipient, secrets.recipient.slice(1)]) {
      await call('POST', '/v1/sms', {
        body: { ...auth, callback_url, data: [{ number, text: secrets.message }] },
      });
    }
    await call('POST', '/v1/sms/operators', { body: [{ number: secrets.recipient, text: secrets.message }] });
    await call('GET', '/nothing', { path: `/nothing/${secrets.bearer}` });
    await call('GET', '/nothing', { path: `/%zz${secrets.bearer}` });

    for (const token of tokens) {
      await get(`${disconnect.url}/disconnect?token=${token}`);
      await get(`${disconnect.url}/disconnect`, { headers: { authorization: `Bearer ${token}` } });
      await post(`${disconnect.url}/disconnect`, { token });
      await post(`${disconnect.url}/disconnect`, `token=${token}`, {
        'content-type': 'application/x-www-form-urlencoded',
      });
      await get(`${disconnect.url}/%zz?token=${token}`);
    }
    const http = sync.url.replace('ws:', 'http:');
    await get(`${http}/?token=${secrets.bearer}`, { headers: { authorization: secrets.bearer } });
    for (const action of ['pause', 'ack', secrets.bearer]) {
      await openSocket(`${sync.url}/v2/sync/${action}/alice/1?token=${secrets.bearer}`).catch(() => {});
    }
    for (const url of [gateway.url, disconnect.url, http]) {
      for (const path of ['/livez', '/readyz', '/metrics'])
        await get(`${url}${path}?token=${secrets.bearer}`);
    }
  };

  await everything();
  await stubs.close();
  await everything();

  // Nothing was left out.
  const documented = Object.entries<object>(
    JSON.parse((await get(`${gateway.url}/docs/json`)).text).paths,
  ).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  expect(documented.length).toBeGreaterThan(15);
  expect(documented.filter((route) => !seen.has(route))).toEqual([]);

  swob.kill('SIGTERM');
  await swob.exit;
  const logs = join(folder, 'logs');
  const files = (await filesIn(logs)).map((name) => readFileSync(join(logs, name), 'utf8')).join('');
  const outputs = {
    stderr: swob.stderr(),
    files,
    graylog: graylog.messages.map((message) => JSON.stringify(message)).join('\n'),
  };
  expect(sharedKeys).toHaveLength(1);
  const all = [
    ...Object.values(secrets).flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
    ]),
    ...[secrets.sender, secrets.seedNumber, secrets.recipient].map((number) => number.slice(1)),
    ...sharedKeys,
    ...tokens.flatMap((token) => [token, ...token.split('.')]).filter((part) => part.length > 16),
    admin,
    seedToken,
  ];
  for (const [name, output] of Object.entries(outputs)) {
    expect(output.split('\n').length, name).toBeGreaterThan(100);
    for (const message of ['request failed', 'published', 'logged out', 'listening'])
      expect(output, name).toContain(message);
    for (const secret of all) {
      const line = output.split('\n').find((text) => text.includes(secret));
      expect(line, `${name} holds ${secret}`).toBeUndefined();
    }
  }
}, 120_000);

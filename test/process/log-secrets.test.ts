// No log line contains a secret: the real binary, every route of its three services, every level; stderr, files
// and Graylog are searched. Once with all upstream systems up, and once with all of them down.

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runSwob, startSwob } from '../support/binary.ts';
import { filesIn } from '../support/folders.ts';
import { startGelfListener } from '../support/gelf.ts';
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
import { makeKeys } from './disconnect-service.ts';
import { callOutgoing, secrets, settings, startStubs, statusToken } from './log-secrets-setup.ts';

test('no line contains a secret, whatever the request and whatever fails', async () => {
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
  /** A request to the gateway; `route` as in its documentation. */
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
    const response = await post(verificationUrl, {
      password: encryptFor(publicKey, Buffer.from(password)).toString('base64'),
    });
    if (response.status === 200) {
      sharedKeys.push(
        decryptWith(phone.privateKey, Buffer.from(JSON.parse(response.text).shared_key, 'base64')).toString(),
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
      { text: secrets.payload, MSISDN: secrets.sender },
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
    for (const sent of [text, secrets.payload, secrets.message]) {
      const body = { text: sent, address: secrets.sender, tag: secrets.relayTag };
      await call('POST', '/v3/publish', { body });
      await call('POST', '/v1/publications', { body });
    }
    for (const list of ['/v3/clients', '/v3/clients/countries', '/v1/gateway-clients'])
      await call('GET', list);
    await call('GET', '/v3/clients/{country}/operators', { path: '/v3/clients/cameroon/operators' });
    for (const method of ['POST', 'GET']) {
      const path = `/v3/clients/${encodeURIComponent(secrets.seedNumber)}/tests`;
      await call(method, '/v3/clients/{msisdn}/tests', { path });
    }

    for (const headers of [{}, admins]) {
      for (const list of ['failed', 'waiting', 'refused', 'summary'])
        await call('GET', `/sms/${list}`, { headers });
      for (const list of ['failed', 'waiting'])
        await call('POST', `/sms/${list}/retry`, { headers, body: {} });
      await call('GET', '/sms/messages/{id}', { path: `/sms/messages/${'0'.repeat(32)}`, headers });
      await call('DELETE', '/sms/messages/{id}', { path: `/sms/messages/${'0'.repeat(32)}`, headers });
      await call('POST', '/sms/messages/{id}/retry', {
        path: `/sms/messages/${'0'.repeat(32)}/retry`,
        headers,
        body: {},
      });
      await call('GET', '/sync/users', { headers });
      await call('GET', '/sync/users/{userId}/paired', { path: '/sync/users/alice/paired', headers });
      await call('DELETE', '/sync/users/{userId}/paired', { path: '/sync/users/nobody/paired', headers });
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
    await callOutgoing(call, admins);
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
    for (const path of ['/', '/livez', '/readyz', '/metrics']) await call('GET', path);
    for (const url of [gateway.url, disconnect.url, http]) {
      for (const path of ['/livez', '/readyz', '/metrics'])
        await get(`${url}${path}?token=${secrets.bearer}`);
    }
  };

  await everything();
  await stubs.close();
  await everything();

  // Every route was called.
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
    statusToken,
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
});

// Gateway and sync as two processes, configured with each other's address, that speak the old wire protocol.

import { expect, test } from 'vitest';
import { startSwob } from '../support/binary.ts';
import { patient } from '../support/patience.ts';
import { createPhone, get, openSession, pair, post } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { createInstallation, type Installation, inspectStore } from './installation.ts';

const phone = createPhone();

async function startBoth({ folder }: Installation, ...sets: string[]) {
  const [gatewayPort, syncPort] = [await freePort(), await freePort()];
  const args = [`api.port=${gatewayPort}`, `websocket.port=${syncPort}`, ...sets].flatMap((set) => [
    '--set',
    set,
  ]);
  const [gateway, sync] = await Promise.all([
    startSwob(['serve', 'gateway', ...args], { cwd: folder }),
    startSwob(['serve', 'sync', ...args], { cwd: folder }),
  ]);
  return { gateway, sync, url: gateway.ready.gateway.url };
}

const qrUrlOf = (frame: string): string => JSON.parse(frame).qr_url;

for (const state of ['testing', 'production']) {
  test(`a phone pairs after a rotation (${state})`, async () => {
    const installation = await createInstallation();
    const { gateway, url } = await startBoth(
      installation,
      `api.state=${state}`,
      // The phone has to pair within it.
      `sync.session_sleep_timeout=${patient(3_000)}ms`,
    );
    const socket = await openSocket(await openSession(url, 'alice'));
    const first = qrUrlOf(await socket.next());
    const second = qrUrlOf(await socket.next());
    expect(second).not.toBe(first);
    // The gateway no longer knows the replaced session.
    expect(await post(first, { public_key: phone.publicKeyPem })).toMatchObject({
      status: 400,
      text: "failed to update user's public key",
    });
    const sharedKey = await pair(second, phone, 'correct horse');
    expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
    expect(await socket.closed).toEqual({ code: 1000, reason: 'paired' });
    gateway.kill('SIGTERM');
    await gateway.exit;
    const user = await inspectStore(installation.data, async (store) => store.users.get('alice'));
    expect(user?.sharedKey).toBe(sharedKey);
  });
}

test('after the last URL the socket closes and the session cannot be used', async () => {
  const { url } = await startBoth(
    await createInstallation(),
    'sync.session_sleep_timeout=300ms',
    'sync.session_change_limit=3',
  );
  const socket = await openSocket(await openSession(url, 'alice'));
  const urls = [await socket.next(), await socket.next(), await socket.next()].map(qrUrlOf);
  expect(new Set(urls).size).toBe(3);
  expect(await socket.closed).toEqual({ code: 1000, reason: 'session change limit reached' });
  for (const dead of urls) expect((await post(dead, { public_key: phone.publicKeyPem })).status).toBe(400);
});

test('waits no longer than configured for the password of a phone', async () => {
  const { url } = await startBoth(await createInstallation(), 'sync.session_paused_timeout=300ms');
  const socket = await openSocket(await openSession(url, 'alice'));
  expect((await post(qrUrlOf(await socket.next()), { public_key: phone.publicKeyPem })).status).toBe(200);
  expect(await socket.next()).toBe('201- pause');
  expect(await socket.closed).toEqual({ code: 4408, reason: 'paused too long' });
});

test('in production a socket of an unknown session is closed', async () => {
  const { sync } = await startBoth(await createInstallation(), 'api.state=production');
  const socket = await openSocket(`${sync.ready.sync.url}/v2/sync/init/alice/${'0'.repeat(32)}`);
  expect(await socket.closed).toEqual({ code: 4404, reason: 'unknown session' });
});

test('a phone pairs while the sync service is down', async () => {
  const { gateway, sync, url } = await startBoth(await createInstallation());
  const socket = await openSocket(await openSession(url, 'alice'));
  const qrUrl = qrUrlOf(await socket.next());
  sync.kill('SIGKILL');
  await socket.closed;
  expect(await pair(qrUrl, phone, 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
  // Logged with the id of the request that should have notified it.
  await gateway.waitForOutput('stderr', '"the sync service was not notified"');
  expect(gateway.stderr()).toMatch(/"requestId":"[^"\n]+"[^\n]*"the sync service was not notified"/);
});

test('a socket is closed when the gateway is down, and the sync service recovers when it is up again', async () => {
  const installation = await createInstallation();
  const { gateway, sync, url } = await startBoth(installation, 'sync.session_sleep_timeout=300ms');
  const socket = await openSocket(await openSession(url, 'alice'));
  await socket.next();
  gateway.kill('SIGKILL');
  expect(await socket.closed).toEqual({ code: 1011, reason: 'the gateway does not answer' });
  const { port } = new URL(url);
  const websocketPort = new URL(sync.ready.sync.url).port;
  await startSwob(
    ['serve', 'gateway', '--set', `api.port=${port}`, '--set', `websocket.port=${websocketPort}`],
    { cwd: installation.folder },
  );
  expect((await get(`${url}/seeds`)).status).toBe(200);
  const again = await openSocket(await openSession(url, 'alice'));
  const first = qrUrlOf(await again.next());
  expect(qrUrlOf(await again.next())).not.toBe(first);
});

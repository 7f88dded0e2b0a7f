// Gateway and sync as two processes, which know each other by configuration and speak the old wire protocol.

import { expect, test } from 'vitest';
import { startSwob } from '../support/binary.ts';
import { createPhone, get, openSession, pair, post } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { createWorld, inspectStore, type World } from './world.ts';

const phone = createPhone();

async function startBoth({ folder }: World, ...sets: string[]) {
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
    const world = await createWorld();
    const { gateway, url } = await startBoth(world, `api.state=${state}`, 'sync.session_sleep_timeout=2s');
    const socket = await openSocket(await openSession(url, 'alice'));
    const first = qrUrlOf(await socket.next());
    const second = qrUrlOf(await socket.next());
    expect(second).not.toBe(first);
    // The gateway has forgotten the session that was replaced.
    expect(await post(first, { public_key: phone.publicKeyPem })).toMatchObject({
      status: 400,
      text: "failed to update user's public key",
    });
    const sharedKey = await pair(second, phone, 'correct horse');
    expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
    expect(await socket.closed).toEqual({ code: 1000, reason: 'paired' });
    gateway.kill('SIGTERM');
    await gateway.exit;
    const user = await inspectStore(world.data, (store) => store.users.get('alice'));
    expect(user?.sharedKey).toBe(sharedKey);
  });
}

test('after the last URL the socket closes and the session is dead', async () => {
  const { url } = await startBoth(
    await createWorld(),
    'sync.session_sleep_timeout=300ms',
    'sync.session_change_limit=3',
  );
  const socket = await openSocket(await openSession(url, 'alice'));
  const urls = [await socket.next(), await socket.next(), await socket.next()].map(qrUrlOf);
  expect(new Set(urls).size).toBe(3);
  expect(await socket.closed).toEqual({ code: 1000, reason: 'session change limit reached' });
  for (const dead of urls) expect((await post(dead, { public_key: phone.publicKeyPem })).status).toBe(400);
});

test('a phone that does not send its password is waited for no longer than configured', async () => {
  const { url } = await startBoth(await createWorld(), 'sync.session_paused_timeout=300ms');
  const socket = await openSocket(await openSession(url, 'alice'));
  expect((await post(qrUrlOf(await socket.next()), { public_key: phone.publicKeyPem })).status).toBe(200);
  expect(await socket.next()).toBe('201- pause');
  expect(await socket.closed).toEqual({ code: 4408, reason: 'paused too long' });
});

test('in production a session that nobody opened is closed', async () => {
  const { sync } = await startBoth(await createWorld(), 'api.state=production');
  const socket = await openSocket(`${sync.ready.sync.url}/v2/sync/init/alice/${'0'.repeat(32)}`);
  expect(await socket.closed).toEqual({ code: 4404, reason: 'unknown session' });
});

test('a phone pairs while the sync service is dead', async () => {
  const { gateway, sync, url } = await startBoth(await createWorld());
  const socket = await openSocket(await openSession(url, 'alice'));
  const qrUrl = qrUrlOf(await socket.next());
  sync.kill('SIGKILL');
  await socket.closed;
  expect(await pair(qrUrl, phone, 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
  // In the name of the request that would have told it.
  expect(gateway.stderr()).toMatch(/"requestId":"[^"\n]+"[^\n]*"the sync service was not told"/);
});

test('a socket ends when the gateway is dead, and the sync service serves on once it is back', async () => {
  const world = await createWorld();
  const { gateway, sync, url } = await startBoth(world, 'sync.session_sleep_timeout=300ms');
  const socket = await openSocket(await openSession(url, 'alice'));
  await socket.next();
  gateway.kill('SIGKILL');
  expect(await socket.closed).toEqual({ code: 1011, reason: 'the gateway does not answer' });
  const { port } = new URL(url);
  const websocketPort = new URL(sync.ready.sync.url).port;
  await startSwob(
    ['serve', 'gateway', '--set', `api.port=${port}`, '--set', `websocket.port=${websocketPort}`],
    { cwd: world.folder },
  );
  expect((await get(`${url}/seeds`)).status).toBe(200);
  const again = await openSocket(await openSession(url, 'alice'));
  const first = qrUrlOf(await again.next());
  expect(qrUrlOf(await again.next())).not.toBe(first);
});

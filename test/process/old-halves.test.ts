// Each half of swob with the other half of the server that it replaces, simulated by small Python programs that
// were written from docs/protocol.md and share no library with swob.

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { startProcess, startSwob } from '../support/binary.ts';
import { needs, python } from '../support/needs.ts';
import { createPhone, openSession, pair, post } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { createInstallation, type Installation, inspectStore } from './installation.ts';

const phone = createPhone();
const qrUrlOf = (frame: string): string => JSON.parse(frame).qr_url;

async function startOld(name: string, args: readonly (string | number)[], { folder }: Installation) {
  const script = resolve('test/process/old-halves', `${name}.py`);
  const running = startProcess(python, [script, ...args.map(String)], { cwd: folder });
  await running.waitForOutput('stdout', 'ready\n');
  return running;
}

test('the gateway works with an old sync service, rotation included', async (context) => {
  needs(context, { module: 'websockets' }, { module: 'requests' });
  const installation = await createInstallation();
  const syncPort = await freePort();
  const gateway = await startSwob(['serve', 'gateway', '--set', `websocket.port=${syncPort}`], {
    cwd: installation.folder,
  });
  const url = gateway.ready.gateway.url;
  await startOld('old_sync', [syncPort, url, 2, 3], installation);

  const socket = await openSocket(await openSession(url, 'alice'));
  const first = qrUrlOf(await socket.next());
  const second = qrUrlOf(await socket.next());
  expect((await post(first, { public_key: phone.publicKeyPem })).status).toBe(400);
  const sharedKey = await pair(second, phone, 'correct horse');
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
  expect((await socket.closed).code).toBe(1000);
  expect(gateway.stderr()).not.toContain('the sync service was not notified');
  gateway.kill('SIGTERM');
  await gateway.exit;
  const user = await inspectStore(installation.data, async (store) => store.users.get('alice'));
  expect(user?.sharedKey).toBe(sharedKey);
});

test('the sync service works with an old gateway, rotation included', async (context) => {
  needs(context, { module: 'websockets' }, { module: 'flask' }, { module: 'cryptography' });
  const installation = await createInstallation();
  const [gatewayPort, syncPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${gatewayPort}`;
  const old = await startOld(
    'old_gateway',
    [gatewayPort, `ws://127.0.0.1:${syncPort}`, 'alice', 'correct horse'],
    installation,
  );
  const sets = [`api.port=${gatewayPort}`, `websocket.port=${syncPort}`, 'sync.session_sleep_timeout=2s'];
  await startSwob(['serve', 'sync', ...sets.flatMap((set) => ['--set', set])], { cwd: installation.folder });

  const socket = await openSocket(await openSession(url, 'alice'));
  const first = qrUrlOf(await socket.next());
  expect(first).toContain(`${url}/v2/sync/users/alice/sessions/`);
  const second = qrUrlOf(await socket.next());
  expect((await post(first, { public_key: phone.publicKeyPem })).status).toBe(400);
  const sharedKey = await pair(second, phone, 'correct horse');
  await old.waitForOutput('stdout', `shared key ${sharedKey}\n`);
  expect([await socket.next(), await socket.next()]).toEqual(['201- pause', '200- ack']);
  expect(await socket.closed).toEqual({ code: 1000, reason: 'paired' });
});

// How `swob serve` stops: gracefully on the first signal, by force on the second or at the deadline.

import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startSwob } from '../support/binary.ts';
import {
  createPhone,
  encryptFor,
  handshakeUrlOf,
  openSession,
  pair,
  post,
  shakeHands,
} from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { openSocket } from '../support/socket.ts';
import { createInstallation, type Installation, inspectStore, portOf } from './installation.ts';
import { startUnresponsiveServer } from './unresponsive-server.ts';

const ping = { IMSI: '123456789012345', MSISDN: '+237650000000', seed_type: 'seed' };

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} closes sockets with 1001, writes pending changes, and exits by that signal`, async () => {
    const { folder, data } = await createInstallation();
    const swob = await startSwob(['serve'], { cwd: folder });
    const socket = await openSocket(await openSession(swob.ready.gateway.url, 'alice'));
    await post(`${swob.ready.gateway.url}/seeds/ping`, ping);
    // The seed is registered already, so this LPS is in memory only.
    const { text: lps } = await post(`${swob.ready.gateway.url}/seeds/ping`, ping);
    swob.kill(signal);
    expect(await socket.closed).toEqual({ code: 1001, reason: 'server stopping' });
    expect(await swob.exit).toEqual({ code: null, signal });
    expect(swob.stderr()).not.toContain('"level":50');
    const seed = await inspectStore(data, (store) => store.seeds.get(ping.IMSI));
    expect(seed?.lps).toBe(Number(lps));
    await startSwob(['serve'], { cwd: folder });
  });
}

test('a second signal ends it immediately, and the next start takes over the store', async () => {
  const installation = await createInstallation();
  const { swob, response } = await startWithPendingRequest(installation);
  swob.kill('SIGTERM');
  await swob.waitForOutput('stderr', '"msg":"stopping"');
  swob.kill('SIGINT');
  expect(await swob.exit).toEqual({ code: 143, signal: null });
  expect(swob.stderr()).toContain('second signal SIGINT');
  await expect(response).rejects.toThrow('fetch failed');
  await startSwob(['serve'], { cwd: installation.folder });
});

test('the same signal forces the stop when it arrives later than the one that npm repeats', async () => {
  const { swob, response } = await startWithPendingRequest(await createInstallation());
  const again = setInterval(() => swob.kill('SIGINT'), 100);
  onTestFinished(() => clearInterval(again));
  expect(await swob.exit).toEqual({ code: 130, signal: null });
  expect(swob.stderr()).toContain('second signal SIGINT');
  const [stopping = 0, forced = 0] = swob
    .stderr()
    .split('\n')
    .filter((line) => /"msg":"stopping/.test(line))
    .map((line) => Date.parse(JSON.parse(line).time));
  expect(forced - stopping).toBeGreaterThanOrEqual(990);
  await expect(response).rejects.toThrow('fetch failed');
});

test('a request that does not end is aborted, and sockets are still closed with 1001', async () => {
  const { swob, response } = await startWithPendingRequest(await createInstallation());
  const socket = await openSocket(`${swob.ready.sync.url}/v2/sync/init/111/000`);
  await socket.next();
  swob.kill('SIGINT');
  await swob.waitForOutput('stderr', '"msg":"stopping"');
  // Ctrl-C during `npm start` sends two signals.
  swob.kill('SIGINT');
  expect(await socket.closed).toEqual({ code: 1001, reason: 'server stopping' });
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGINT' });
  await expect(response).rejects.toThrow('fetch failed');
});

test('an SMS at an unresponsive Publisher is kept, and the stop is not forced', async () => {
  const publisher = await startUnresponsiveServer();
  const developer = await startDeveloperStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => developer.close());
  const { folder, data } = await createInstallation({
    extra: [
      `[publisher]\nport = ${publisher.port}\ntimeout = 1m`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
    ].join('\n'),
  });
  const swob = await startSwob<{ gateway: { url: string } }>(['serve', 'gateway'], { cwd: folder });
  const { url } = swob.ready.gateway;
  const initUrl = await openSession(url, 'alice');
  const key = await pair(handshakeUrlOf(url, initUrl), createPhone(), 'correct horse');
  const response = post(`${url}/sms/platform/gateway-client`, {
    text: encryptAsApp(key, 'g:message'),
    MSISDN: 'alice',
  });
  response.catch(() => {});
  await publisher.called;
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(swob.stderr()).not.toContain('"level":50');
  const waiting = await inspectStore(data, (store) => store.inbound.count());
  expect(waiting).toEqual({ waiting: 1, deadLetters: 0 });
});

/** A gateway that is handling a request: the user API has accepted the call and never responds. */
async function startWithPendingRequest({ folder }: Installation) {
  const upstream = await startUnresponsiveServer();
  const url = `http://127.0.0.1:${upstream.port}/%s`;
  const swob = await startSwob(
    [
      'serve',
      '--set',
      `user_management_api.verification_url=${url}`,
      '--set',
      'user_management_api.timeout=1m',
    ],
    { cwd: folder },
  );
  const gateway = swob.ready.gateway.url;
  const handshakeUrl = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const { publicKey, verificationUrl } = await shakeHands(handshakeUrl, createPhone());
  const password = encryptFor(publicKey, Buffer.from('correct horse')).toString('base64');
  const response = post(verificationUrl, { password });
  // The test awaits it after the process has exited; until then a rejection would be unhandled.
  response.catch(() => {});
  await upstream.called;
  return { swob, response };
}

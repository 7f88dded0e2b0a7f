// How `swob serve` stops: gracefully on the first signal, by force on the second or at the deadline.

import { createServer } from 'node:net';
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
import { createWorld, inspectStore, portOf, type World } from './world.ts';

const ping = { IMSI: '123456789012345', MSISDN: '+237650000000', seed_type: 'seed' };

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} closes sockets with 1001, writes what is in memory, and ends by that signal`, async () => {
    const { folder, data } = await createWorld();
    const swob = await startSwob(['serve'], { cwd: folder });
    const socket = await openSocket(await openSession(swob.ready.gateway.url, 'alice'));
    await post(`${swob.ready.gateway.url}/seeds/ping`, ping);
    // Registered already: this LPS is in memory only.
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

test('a second signal ends it at once, and the next start takes over', async () => {
  const world = await createWorld();
  const { swob, answer } = await startStuck(world);
  swob.kill('SIGTERM');
  await swob.said('stderr', '"msg":"stopping"');
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: 143, signal: null });
  expect(swob.stderr()).toContain('second signal SIGTERM');
  await expect(answer).rejects.toThrow('fetch failed');
  await startSwob(['serve'], { cwd: world.folder });
});

test('a request that does not end is cut off, and sockets still hear 1001', async () => {
  const { swob, answer } = await startStuck(await createWorld());
  const socket = await openSocket(`${swob.ready.sync.url}/v2/sync/init/111/000`);
  await socket.next();
  swob.kill('SIGINT');
  expect(await socket.closed).toEqual({ code: 1001, reason: 'server stopping' });
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGINT' });
  await expect(answer).rejects.toThrow('fetch failed');
});

test('an SMS that is at a Publisher which does not answer is kept, and the stop is no forced one', async () => {
  const publisher = await startSilent();
  const developer = await startDeveloperStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => developer.close());
  const { folder, data } = await createWorld({
    extra: [
      `[publisher]\nport = ${publisher.port}\ntimeout = 1m`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
    ].join('\n'),
  });
  const swob = await startSwob<{ gateway: { url: string } }>(['serve', 'gateway'], { cwd: folder });
  const { url } = swob.ready.gateway;
  const initUrl = await openSession(url, 'alice');
  const key = await pair(handshakeUrlOf(url, initUrl), createPhone(), 'correct horse');
  const answer = post(`${url}/sms/platform/gateway-client`, {
    text: encryptAsApp(key, 'g:message'),
    MSISDN: 'alice',
  });
  answer.catch(() => {});
  await publisher.called;
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(swob.stderr()).not.toContain('"level":50');
  const waiting = await inspectStore(data, (store) => store.inbound.count());
  expect(waiting).toEqual({ waiting: 1, failed: 0 });
});

/** A gateway in the middle of a request: the user API has taken the call and never answers. */
async function startStuck({ folder }: World) {
  const silent = await startSilent();
  const url = `http://127.0.0.1:${silent.port}/%s`;
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
  const answer = post(verificationUrl, { password });
  // The test looks at it once the process is gone; until then its failure is nobody's.
  answer.catch(() => {});
  await silent.called;
  return { swob, answer };
}

/** A server that takes a connection and never answers; `called` resolves with the first. */
async function startSilent(): Promise<{ port: number; called: Promise<void> }> {
  let call: () => void = () => {};
  const called = new Promise<void>((resolve) => {
    call = resolve;
  });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => call());
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return { port: address.port, called };
}

// Stopping while everything that swob waits for hangs: it ends within its time budget and loses nothing acknowledged.

import { connect, type Socket } from 'node:net';
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
import { redisForFile } from '../support/redis.ts';
import { versionedPayload } from '../support/relay-payloads.ts';
import { encryptAsApp } from '../support/sms.ts';
import { call, makeKeys } from './disconnect-service.ts';
import { createInstallation, inspectStore, portOf } from './installation.ts';
import { startUnresponsiveServer } from './unresponsive-server.ts';

const redis = redisForFile();
const msisdn = '+237650393369';
const ping = { IMSI: '123456789012345', MSISDN: '+237650000000', seed_type: 'seed' };

test('stops in time and keeps everything acknowledged while user API, PCRF, both Publishers, broker and clients hang', async () => {
  const [userApi, pcrf, publisher, relay, broker] = await Promise.all([
    startUnresponsiveServer(),
    startUnresponsiveServer(),
    startUnresponsiveServer(),
    startUnresponsiveServer(),
    startUnresponsiveServer(),
  ]);
  const developer = await startDeveloperStub({
    host: '127.0.0.1',
    port: 0,
    numbers: new Map([[msisdn, 'alice']]),
  });
  onTestFinished(() => developer.close());
  const keys = await makeKeys();
  const { folder, data } = await createInstallation({
    extra: [
      `[publisher]\nport = ${publisher.port}\ntimeout = 1m`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
      `[dev_api]\nauthentication_url = ${developer.url}/v1/authenticate\nauth_id = us\nauth_key = key`,
      `[relay]\nurl = http://127.0.0.1:${relay.port}\ntimeout = 1m`,
      `[broker]\nurl = amqp://127.0.0.1:${broker.port}\ntimeout = 1m`,
      `[pcrf]\nhost = 127.0.0.1\nport = ${pcrf.port}\ntimeout = 1m`,
      `[disconnect]\nhost = 127.0.0.1\nport = 0`,
      `[validation]\npublic_key = ${keys.publicFile}`,
    ].join('\n'),
  });
  const start = (...set: string[]) =>
    startSwob<Record<'gateway' | 'sync' | 'disconnect', { url: string }>>(
      ['serve', 'gateway', 'sync', 'disconnect', ...set.flatMap((each) => ['--set', each])],
      { cwd: folder },
    );
  // A phone pairs while the user API still responds; the process under test starts afterwards.
  const before = await start();
  const key = await pair(
    handshakeUrlOf(before.ready.gateway.url, await openSession(before.ready.gateway.url, 'alice')),
    createPhone(),
    'correct horse',
  );
  before.kill('SIGKILL');
  await before.exit;

  const swob = await start(
    `user_management_api.verification_url=http://127.0.0.1:${userApi.port}/%s`,
    'user_management_api.timeout=1m',
  );
  const gateway = swob.ready.gateway.url;
  await post(`${gateway}/seeds/ping`, ping);
  const { text: lps } = await post(`${gateway}/seeds/ping`, ping);

  const hanging = [
    requestPassword(gateway),
    call(swob.ready.disconnect.url, keys.token()),
    sendHalfABody(portOf(gateway)),
    openDeafWebSocket(portOf(swob.ready.sync.url)),
  ];
  const sms = post(`${gateway}/sms/platform/gateway-client`, {
    text: encryptAsApp(key, 'g:to@example.org:::hello'),
    MSISDN: msisdn,
  });
  const payload = post(`${gateway}/sms/platform/gateway-client`, {
    text: versionedPayload(1).toString('base64'),
    MSISDN: '+237650000001',
  });
  for (const each of hanging) each.catch(() => {});
  const called = [userApi, pcrf, publisher, relay, broker].map((server) => server.called);
  await Promise.all([...called, hanging[2], hanging[3]]);

  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  // The phone got its response, so its SMS is on disk although the Publisher has not responded.
  expect(await sms).toMatchObject({ status: 202 });
  expect(await payload).toMatchObject({ status: 202 });
  // What does not stop within the budget is ended by force, with this line.
  expect(swob.stderr()).not.toContain('stopping by force');
  const interrupted = swob
    .stderr()
    .split('\n')
    .filter((line) => line.includes('work was interrupted to stop in time'))
    .map((line) => JSON.parse(line).resource);
  expect(interrupted).toEqual(expect.arrayContaining(['services', 'messaging']));
  const kept = await inspectStore(data, async ({ seeds, inbound }) => ({
    lps: (await seeds.get(ping.IMSI))?.lps,
    inbound: await inbound.count(),
  }));
  expect(kept).toEqual({ lps: Number(lps), inbound: { waiting: 2, deadLetters: 0 } });
});

test('a hanging Redis does not prolong the stop', async () => {
  const { folder } = await createInstallation({ extra: `[store]\nurl = redis://127.0.0.1:${redis().port}` });
  const swob = await startSwob<{ gateway: { url: string } }>(['serve', 'gateway'], { cwd: folder });
  await post(`${swob.ready.gateway.url}/seeds/ping`, ping);
  redis().freeze();
  onTestFinished(() => redis().thaw());
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  expect(swob.stderr()).not.toContain('stopping by force');
});

async function requestPassword(gateway: string): Promise<unknown> {
  const handshakeUrl = handshakeUrlOf(gateway, await openSession(gateway, 'bob'));
  const { publicKey, verificationUrl } = await shakeHands(handshakeUrl, createPhone());
  return post(verificationUrl, {
    password: encryptFor(publicKey, Buffer.from('battery staple')).toString('base64'),
  });
}

/** Resolves when the service has received the headers and a part of the body. */
async function sendHalfABody(port: number): Promise<void> {
  const socket = await open(port);
  const head =
    'POST /seeds/ping HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n';
  await new Promise<void>((resolve) => socket.write(`${head}{"IMSI":`, () => resolve()));
}

/** Resolves when the service has sent its first frame; afterwards nothing is read, not even the close frame. */
async function openDeafWebSocket(port: number): Promise<void> {
  const socket = await open(port);
  const head = [
    'GET /v2/sync/init/111/000 HTTP/1.1',
    'host: a',
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
    onTestFinished(() => void socket.destroy());
  });
}

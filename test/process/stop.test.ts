// How `swob serve` stops: gracefully on the first signal, by force on the second or at the deadline.

import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { startSwob } from '../support/binary.ts';
import { createPhone, encryptFor, handshakeUrlOf, openSession, post, shakeHands } from '../support/phone.ts';
import { openSocket } from '../support/socket.ts';
import { createWorld, inspectStore, type World } from './world.ts';

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

/** A gateway in the middle of a request: the user API has taken the call and never answers. */
async function startStuck({ folder }: World) {
  let called: () => void = () => {};
  const calling = new Promise<void>((resolve) => {
    called = resolve;
  });
  const silent = createServer((socket) => {
    socket.on('error', () => {});
    called();
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const address = silent.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');

  const url = `http://127.0.0.1:${address.port}/%s`;
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
  await calling;
  return { swob, answer };
}

// kill -9 during a call: the Publisher has the message and has not responded. swob sends the message once more by
// itself, and not again.

import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { type RunningSwob, runSwob, startSwob } from '../support/binary.ts';
import { patient } from '../support/patience.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createInstallation, portOf } from './installation.ts';

const msisdn = '+237650393369';

/** Accepts every message and responds to none; `taken(n)` resolves after n messages. */
async function startSilentPublisher() {
  const waiting: { count: number; resolve: () => void }[] = [];
  let count = 0;
  const server = createServer((request) => {
    request.resume().on('end', () => {
      count++;
      for (const each of waiting) if (each.count <= count) each.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    count: () => count,
    taken: (wanted: number) =>
      new Promise<void>((resolve) => {
        if (count >= wanted) resolve();
        else waiting.push({ count: wanted, resolve });
      }),
  };
}

test('a message that is being sent when swob is killed is sent at most twice and is listed', async () => {
  const publisher = await startSilentPublisher();
  const developer = await startDeveloperStub({
    host: '127.0.0.1',
    port: 0,
    numbers: new Map([[msisdn, 'alice']]),
  });
  onTestFinished(() => developer.close());
  const { folder } = await createInstallation({
    extra: [
      `[publisher]\nport = ${publisher.port}\nretry_pause = 100ms`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
    ].join('\n'),
  });
  const start = (): Promise<RunningSwob<{ gateway: { url: string } }>> =>
    startSwob(['serve', 'gateway'], { cwd: folder });

  let swob = await start();
  const { url } = swob.ready.gateway;
  const key = await pair(
    handshakeUrlOf(url, await openSession(url, 'alice')),
    createPhone(),
    'correct horse',
  );
  const body = { text: encryptAsApp(key, 'g:to@example.org:::hello'), MSISDN: msisdn };
  const lost = post(`${url}/sms/platform/gateway-client`, body).catch(() => 'no answer');
  for (let round = 1; round <= 2; round++) {
    await publisher.taken(round);
    swob.kill('SIGKILL');
    await swob.exit;
    swob = await start();
  }
  expect(await lost).toBe('no answer');
  const gateway = swob.ready.gateway.url;
  const failed = () => runSwob(['sms', 'failed', '--json', '--url', gateway], { cwd: folder });
  await expect
    .poll(async () => JSON.parse((await failed()).stdout), { timeout: patient(20_000) })
    .toMatchObject([{ state: 'outcome unknown', attempts: 2, msisdn }]);
  expect(publisher.count()).toBe(2);
  const { stdout } = await runSwob(['sms', 'failed', '--url', gateway], { cwd: folder });
  expect(stdout).toContain('outcome unknown: swob ended before the Publisher answered');
});

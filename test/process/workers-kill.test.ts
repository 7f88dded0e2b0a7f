// Processes of `swob serve --workers` that are killed: a worker is replaced, and what was acknowledged survives; without the primary the
// workers end; and what cannot start says so once.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { runSwob } from '../support/binary.ts';
import { effort } from '../support/effort.ts';
import { createPhone, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { occupy } from '../support/ports.ts';
import { readMetrics } from '../support/prometheus.ts';
import { encryptAsApp } from '../support/sms.ts';
import { requestOnce, startWorkers } from '../support/workers.ts';
import { createInstallation, inspectStore, portOf } from './installation.ts';

const msisdn = '+237650393369';
const kills = 2 * effort;
const perRound = 15;

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('SMS arrive exactly once while workers are killed, and counters never go back', async () => {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, fail: { failing: 1, of: 3 }, dedupe: false });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const { folder } = await createInstallation({
    extra: [
      `[publisher]\nport = ${portOf(publisher.url)}\nmax_pause = 1s\nretries = 100\nretry_pause = 100ms`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
      '[limits]\nsms = off',
    ].join('\n'),
  });
  const swob = await startWorkers<{ gateway: { url: string } }>(['gateway'], { cwd: folder });
  const gateway = swob.ready.gateway.url;
  const initUrl = await openSession(gateway, 'alice');
  const key = await pair(handshakeUrlOf(gateway, initUrl), createPhone(), 'correct horse');
  const requests = async (): Promise<number> =>
    readMetrics((await requestOnce(`${gateway}/metrics`)).text)
      .filter(({ name }) => name === 'swob_http_requests_total')
      .reduce((sum, { value }) => sum + value, 0);

  const messages: string[] = [];
  const offer = async (message: string): Promise<void> => {
    const body = { text: encryptAsApp(key, message), MSISDN: msisdn };
    for (;;) {
      const response = await requestOnce(`${gateway}/sms/platform/gateway-client`, { body }).catch(
        () => undefined,
      );
      if (response?.status === 200 || response?.status === 202) return;
    }
  };
  let counted = 0;
  for (let round = 0; round <= kills; round++) {
    const texts = Array.from({ length: perRound }, (_, n) => `g:to@example.org:::no ${round}-${n}:📨`);
    messages.push(...texts);
    const offered = texts.map(offer);
    const [victim] = round < kills ? swob.pids().filter(isRunning) : [];
    if (victim !== undefined) process.kill(victim, 'SIGKILL');
    await Promise.all(offered);
    const before = counted;
    counted = await requests();
    expect(counted).toBeGreaterThanOrEqual(before);
    await vi.waitFor(() => expect(swob.pids()).toHaveLength(2 + Math.min(round + 1, kills)));
  }
  // A Publisher that deduplicates by id gets each message exactly once: one id for each message.
  await vi.waitFor(async () => {
    // An SMS that two successive kills have interrupted has an unknown outcome, and waits for an operator.
    await runSwob(['sms', 'retry', '--all', '--url', gateway], { cwd: folder });
    const byId = new Map(publisher.messages().map(({ id, message }) => [id, message]));
    expect([...byId.values()].sort()).toEqual(messages.sort());
  });
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});

test('a connection that was given to a worker that dies before it accepts it is closed, not kept open', async () => {
  const { folder } = await createInstallation();
  const swob = await startWorkers([], { cwd: folder });
  const { gateway } = swob.ready;
  const [first = 0] = swob.pids();
  process.kill(first, 'SIGSTOP');
  // One of them goes to the stopped worker, the others to the other one.
  const outcomes = Array.from({ length: 4 }, () =>
    requestOnce(`${gateway.url}/seeds`).then(
      ({ status }) => status,
      (error) => error.code,
    ),
  );
  await vi.waitFor(async () => expect((await Promise.any(outcomes)) === 200).toBe(true));
  process.kill(first, 'SIGKILL');
  const sorted = (await Promise.all(outcomes)).sort();
  expect(sorted.slice(0, 3)).toEqual([200, 200, 200]);
  expect([200, 'ECONNRESET']).toContain(sorted[3]);
});

test('the daemon keeps its ports when all workers die at once', async () => {
  const { folder } = await createInstallation();
  const swob = await startWorkers([], { cwd: folder });
  for (const pid of swob.pids()) process.kill(pid, 'SIGKILL');
  await vi.waitFor(() => expect(swob.pids()).toHaveLength(4));
  expect((await requestOnce(`${swob.ready.gateway.url}/seeds`)).status).toBe(200);
  const readiness = await requestOnce(`${swob.ready.sync.url.replace('ws', 'http')}/readyz`);
  expect(JSON.parse(readiness.text)).toMatchObject({ service: 'sync', ready: true });
});

test('a stop does not wait for a worker that is only just starting', async () => {
  const { folder } = await createInstallation();
  const swob = await startWorkers([], { cwd: folder });
  process.kill(swob.pids()[0] ?? 0, 'SIGKILL');
  await swob.waitForOutput('stderr', 'a worker has ended; it is replaced');
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  const isBad = ({ level }: { readonly level: number }) => level >= 40;
  expect(swob.lines().filter(isBad)).toMatchObject([{ msg: 'a worker has ended; it is replaced' }]);
});

test('workers end immediately when the primary is killed, and the next start takes over the store', async () => {
  const { folder, data } = await createInstallation();
  const swob = await startWorkers([], { cwd: folder });
  const ping = { IMSI: '123456789012345', MSISDN: '+237650000000', seed_type: 'seed' };
  expect((await requestOnce(`${swob.ready.gateway.url}/seeds/ping`, { body: ping })).status).toBe(200);
  swob.kill('SIGKILL');
  await swob.exit;
  await vi.waitFor(() => expect(swob.pids().filter(isRunning)).toEqual([]));
  expect(await inspectStore(data, (store) => store.seeds.get(ping.IMSI))).toMatchObject({
    msisdn: ping.MSISDN,
  });
});

test('the daemon ends with the error of a worker that cannot be replaced', async () => {
  const { folder, data } = await createInstallation();
  const swob = await startWorkers(['gateway', '--set', 'websocket.port=1'], { cwd: folder });
  writeFileSync(join(data, 'security', 'private.pem'), 'damaged');
  process.kill(swob.pids()[0] ?? 0, 'SIGKILL');
  expect(await swob.exit).toEqual({ code: 78, signal: null });
  expect(swob.lines().filter(({ msg }) => msg === 'a worker could not start')).toHaveLength(4);
  const printed = swob
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('swob: '));
  expect(printed).toEqual([expect.stringContaining('private.pem')]);
  expect(swob.pids().filter(isRunning)).toEqual([]);
});

test('a port in use, and a file that is missing, end the start with the message of a single process, once', async () => {
  const { folder } = await createInstallation();
  const { port, free } = await occupy();
  onTestFinished(free);
  for (const set of [
    ['--set', `api.port=${port}`],
    ['--set', 'api_ssl.crt=no.crt', '--set', 'api_ssl.key=no.key'],
  ]) {
    const single = await runSwob(['serve', ...set], { cwd: folder });
    const several = await runSwob(['serve', '--workers', '2', ...set], { cwd: folder });
    const errors = (text: string) => text.split('\n').filter((line) => !line.startsWith('{'));
    expect([several.code, errors(several.stderr)]).toEqual([single.code, errors(single.stderr)]);
    expect(several.stdout).toBe('');
  }
});

test('more workers than a bound can be divided among are refused', async () => {
  const { folder } = await createInstallation();
  const set = ['--set', 'sync.max_connections=3'];
  const { code, stderr } = await runSwob(['serve', '--workers', '4', ...set], { cwd: folder });
  expect(code).toBe(78);
  expect(stderr).toContain('--workers 4: [sync] max_connections = 3 cannot be divided among so many');
});

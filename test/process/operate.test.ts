// `swob status`, `wait` and `doctor` for operators and scripts: the real binary, real daemons.

import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  type ProcessOptions,
  type Result,
  runSwob,
  startProcess,
  startSwob,
  swobScript,
} from '../support/binary.ts';
import { createPhone, get, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { freePort, occupy } from '../support/ports.ts';
import { sharedByFile } from '../support/teardown.ts';
import { createFixedPortInstallation, portsOf } from './fixed-port-installation.ts';
import { createInstallation } from './installation.ts';

/** A daemon that keeps running. */
const shared = sharedByFile(async () => {
  const installation = await createFixedPortInstallation();
  const options = { cwd: installation.folder, env: portsOf(installation) };
  return { options, ready: (await startSwob(['serve'], options)).ready };
});

/** The output of `status` once both daemons are ready: on a slow machine a check may take longer than its second. */
const statusOfReady = (args: readonly string[], options: ProcessOptions): Promise<Result> =>
  vi.waitFor(async () => {
    const result = await runSwob(['status', ...args], options);
    expect(result.stdout.match(/\bready\b/g)).toHaveLength(2);
    return result;
  });

test('status shows daemons, checks and the owner of the store, and exits with 1 without daemons', async () => {
  const installation = await createFixedPortInstallation();
  const options = { cwd: installation.folder, env: portsOf(installation) };
  const daemon = await startSwob(['serve'], options);
  const { code, stdout, stderr } = await statusOfReady([], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    new RegExp(
      `^gateway +http://127\\.0\\.0\\.1:${installation.api} +ready +\\d+\\.\\d+\\.\\d+ +(\\d+m )?\\d+s$`,
      'm',
    ),
  );
  expect(stdout.replaceAll('\n   ', ' ')).toMatch(/^gateway: event_loop .*store \d/m);
  expect(stdout).toMatch(new RegExp(`^sync +http://127\\.0\\.0\\.1:${installation.sync} +ready `, 'm'));
  expect(stdout).toContain(`store file:./data: in use by pid ${daemon.pid} on host `);

  const json = await statusOfReady(['--json'], options);
  expect(JSON.parse(json.stdout)).toMatchObject({
    daemons: [
      { name: 'gateway', state: 'ready', uptime: expect.any(Number), checks: expect.any(Array) },
      { name: 'sync', state: 'ready' },
    ],
    store: { url: 'file:./data', folder: installation.data, holder: { pid: daemon.pid, state: 'live' } },
  });

  daemon.kill('SIGKILL');
  await daemon.exit;
  const gone = await runSwob(['status', '--json'], options);
  expect(gone.code).toBe(1);
  expect(JSON.parse(gone.stdout)).toMatchObject({
    daemons: [
      { name: 'gateway', state: 'down' },
      { name: 'sync', state: 'down' },
    ],
    store: { holder: { state: 'dead' } },
  });
  expect(JSON.parse(gone.stderr).error.message).toContain('nothing listens there');
});

test('status --url distinguishes swob daemons, other servers and servers that do not respond', async () => {
  const { ready, options } = shared();
  const other = createServer((_request, response) => void response.writeHead(404).end('no'));
  const hanging = createServer(() => undefined);
  for (const server of [other, hanging]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
  }
  const urlOf = (server: typeof other): string => {
    const address = server.address();
    return typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '';
  };
  const urls = [ready.gateway.url, ready.sync.url, urlOf(other), urlOf(hanging)];
  const args = urls.flatMap((url) => ['--url', url]);
  const { code, stdout } = await statusOfReady(['--json', ...args], { cwd: options.cwd });
  expect(code).toBe(1);
  const { daemons, store } = JSON.parse(stdout);
  expect(store).toBeUndefined();
  expect(daemons.map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
    ['gateway', 'ready'],
    ['sync', 'ready'],
    ['-', 'up'],
    ['-', 'down'],
  ]);
});

test('a port of 0 in the configuration is a usage error that says what to do', async () => {
  const { folder } = await createInstallation();
  for (const command of ['status', 'wait']) {
    const { code, stderr } = await runSwob([command], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toContain('pass its URL with --url');
  }
});

test('wait returns when the daemons are ready, whether they start before or after it', async () => {
  const installation = await createFixedPortInstallation();
  const options = { cwd: installation.folder, env: portsOf(installation) };
  const waiting = runSwob(['wait', '--timeout', '2m'], options);
  await startSwob(['serve'], options);
  expect(await waiting).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await runSwob(['wait', '--for', 'ready', '--timeout', '1m'], options)).toMatchObject({ code: 0 });
});

/** Runs `wait`, which finds something missing; with more time when a slow machine did not respond in less. */
async function waitInVain(args: readonly string[], options: ProcessOptions): Promise<Result> {
  for (const timeout of ['300ms', '3s']) {
    const result = await runSwob(['wait', ...args, '--timeout', timeout], options);
    if (!result.stderr.includes('no response from')) return result;
  }
  return runSwob(['wait', ...args, '--timeout', '30s'], options);
}

test('wait exits with 75 on timeout and says what is missing', async () => {
  const installation = await createFixedPortInstallation();
  const down = await waitInVain([], { cwd: installation.folder, env: portsOf(installation) });
  expect(down).toMatchObject({ code: 75, stdout: '' });
  expect(down.stderr).toMatch(/timed out after \d+m?s: gateway at /);
  expect(down.stderr).toContain(
    `gateway at http://127.0.0.1:${installation.api} is down: nothing listens there; sync at `,
  );
  const { ready, options } = shared();
  const seed = await waitInVain(['--for', 'seed', '123456789012345'], options);
  expect(seed.code).toBe(75);
  expect(seed.stderr).toContain('no active seed has the IMSI 123456789012345');
  await post(`${ready.gateway.url}/seeds/ping`, {
    IMSI: '123456789012345',
    MSISDN: '+237650000000',
    seed_type: 'seed',
  });
  expect(await runSwob(['wait', '--for', 'seed', '123456789012345'], options)).toMatchObject({ code: 0 });
  for (const bad of [['nonsense'], ['paired'], ['seed', 'a', 'b'], ['ready', 'x']]) {
    const { code } = await runSwob(['wait', '--for', ...bad, '--timeout', '1s'], options);
    expect([bad, code]).toEqual([bad, 64]);
  }
});

test('wait --for paired ignores earlier pairings and returns after a new one', async () => {
  const { ready, options } = shared();
  const gateway = ready.gateway.url;
  const pairNow = async (): Promise<string> =>
    pair(handshakeUrlOf(gateway, await openSession(gateway, 'alice')), createPhone(), 'correct horse');
  const key = await pairNow();
  const early = await waitInVain(['--for', 'paired', 'alice'], options);
  expect(early.code).toBe(75);
  expect(early.stderr).toContain('alice has not paired yet');

  const script = [swobScript, 'wait', '--for', 'paired', 'alice', '--timeout', '2m'];
  const waiting = startProcess(process.execPath, script, options);
  const requestsSoFar = async (): Promise<number> => {
    const { text } = await get(`${gateway}/metrics`);
    return Number(/route="\/sync\/users\/:userId\/paired",status="2xx"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before = await requestsSoFar();
  await expect.poll(requestsSoFar).toBeGreaterThan(before);
  await pairNow();
  expect(await waiting.exit).toEqual({ code: 0, signal: null });
  expect(waiting.stdout() + waiting.stderr()).not.toContain(key);

  const wrong = await runSwob(['wait', '--for', 'paired', 'alice'], {
    ...options,
    env: { ...options.env, SWOB_TOKEN: 'x'.repeat(43) },
  });
  expect(wrong.code).toBe(1);
});

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly advice?: string;
}

/** The result of each check of doctor, by its name. */
function findingsIn(stdout: string): Map<string, Finding> {
  const { findings }: { findings: Finding[] } = JSON.parse(stdout);
  return new Map(findings.map((finding) => [finding.check, finding]));
}

test('doctor reports no problem on a new machine, leaves no files, and recognises a running swob', async () => {
  const installation = await createFixedPortInstallation({ keys: false });
  const options = { cwd: installation.folder, env: portsOf(installation) };
  const fresh = await runSwob(['doctor', '--json'], options);
  const failed = [...findingsIn(fresh.stdout).values()].filter(({ state }) => state === 'fail');
  expect(failed).toEqual([]);
  expect(fresh).toMatchObject({ code: 0, stderr: '' });
  expect(findingsIn(fresh.stdout).get('store folder')?.detail).toContain('the first start creates it');
  expect(await readdir(installation.folder)).toEqual(['confs']);

  const daemon = await startSwob(['serve'], options);
  const { code, stdout } = await runSwob(['doctor', '--json'], options);
  expect(code).toBe(0);
  const findings = findingsIn(stdout);
  expect(findings.get('port of gateway')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/in use by swob \S+ \(gateway\), which is ready$/),
  });
  expect(findings.get('store holder')?.detail).toContain(`pid ${daemon.pid} `);
  expect(findings.get('gateway key')?.detail).toContain('RSA with 2048 bits, mode 0600');
  expect((await readdir(installation.data)).filter((name) => name.includes('doctor'))).toEqual([]);
});

test('doctor prints a line for each problem with its remedy, and never a secret', async () => {
  const installation = await createFixedPortInstallation();
  const cwd = installation.folder;
  const daemon = await startSwob(['serve', '--set', 'api.port=0', '--set', 'websocket.port=0'], { cwd });
  daemon.kill('SIGTERM');
  await daemon.exit;
  const security = join(installation.data, 'security');
  await chmod(join(security, 'private.pem'), 0o644);
  await writeFile(join(security, 'admin.token'), 'short\n');
  await mkdir(join(cwd, 'tls'));
  await writeFile(join(cwd, 'tls', 'crt.pem'), 'no certificate');
  await writeFile(join(cwd, 'tls', 'key.pem'), 'no key');
  const taken = await occupy();
  const gone = await freePort();
  const sets = [
    `api.port=${taken.port}`,
    `websocket.port=${installation.sync}`,
    `publisher.port=${gone}`,
    `broker.url=amqp://swob:hunter2secret@127.0.0.1:${gone}/vhost`,
    `user_management_api.verification_url=http://u:hunter2secret@127.0.0.1:${gone}/%s`,
    'websocket_ssl.crt=tls/crt.pem',
    'websocket_ssl.key=tls/key.pem',
  ];
  const args = ['doctor', ...sets.flatMap((set) => ['--set', set])];
  const { code, stdout, stderr } = await runSwob([...args, '--json'], { cwd });
  expect(code).toBe(1);
  const findings = findingsIn(stdout);
  for (const [check, advice] of Object.entries({
    'gateway key': 'chmod 0600 data/security/private.pem',
    'admin token': 'delete it',
    'port of gateway': `ss -ltnp 'sport = :${taken.port}'`,
    '[websocket_ssl]': 'replace certificate and key with a matching pair',
    Publisher: '[publisher]',
    broker: '[broker] url',
    'broker login': '[broker] url',
    'user management API': '[user_management_api]',
  })) {
    expect([check, findings.get(check)?.state]).toEqual([check, 'fail']);
    expect(findings.get(check)?.advice).toContain(advice);
  }
  expect(stdout + stderr).not.toContain('hunter2secret');

  const text = await runSwob(args, { cwd });
  expect(text.stdout).toMatch(/^fail {2}gateway key: other users can read or change .* \(mode 0644\)$/m);
  expect(text.stdout).toMatch(/^ {6}-> chmod 0600 /m);
  expect(text.stderr).toMatch(/^swob: \d+ of \d+ checks failed$/m);
});

test('doctor names configuration errors and exits with 78', async () => {
  const { folder } = await createInstallation({ extra: '[sync]\nmax_conections = 5' });
  const { code, stderr } = await runSwob(['doctor'], { cwd: folder });
  expect(code).toBe(78);
  expect(stderr).toContain('unknown key sync.max_conections');
});

test('doctor ends in time when upstreams accept connections and never respond', async () => {
  const installation = await createFixedPortInstallation();
  const hanging = createServer(() => undefined);
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    hanging.close();
    hanging.closeAllConnections();
  });
  const address = hanging.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const sets = ['api.port=0', `broker.url=amqp://127.0.0.1:${port}`, `publisher.port=${port}`];
  const args = ['doctor', 'gateway', '--json', ...sets.flatMap((set) => ['--set', set])];
  // One that waits for a response is killed by `runSwob`, and has no exit code.
  const { code, stdout } = await runSwob(args, { cwd: installation.folder });
  expect(code).toBe(1);
  expect(findingsIn(stdout).get('broker login')).toMatchObject({ state: 'fail' });
  expect(findingsIn(stdout).get('Publisher')).toMatchObject({ state: 'ok' });
});

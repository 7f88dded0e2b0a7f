// `swob status`, `wait` and `doctor` as operators and scripts meet them: the real binary, real daemons.

import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runSwob, startProcess, startSwob, swobScript } from '../support/binary.ts';
import { createPhone, get, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { freePort, occupy } from '../support/ports.ts';
import { createWorld, type World } from './world.ts';

/** Ports that are known beforehand, so that the client commands find the daemons by the configuration. */
async function createFixedWorld(
  extra = '',
): Promise<World & { readonly api: number; readonly sync: number }> {
  const [api, sync, upstream] = [await freePort(), await freePort(), await occupy()];
  const lines = [
    '[publisher]',
    `port = ${upstream.port}`,
    '[backend_publisher]',
    `port = ${upstream.port}`,
    '[dev_api]',
    `authentication_url = http://127.0.0.1:${upstream.port}/`,
  ];
  const world = await createWorld({ extra: `${lines.join('\n')}\n${extra}` });
  return { ...world, api, sync };
}

const portsOf = ({ api, sync }: { readonly api: number; readonly sync: number }): Record<string, string> => ({
  SWOB_API_PORT: String(api),
  SWOB_WEBSOCKET_PORT: String(sync),
});

test('status shows daemons, checks and the holder of the store; without daemons it says so and exits 1', async () => {
  const world = await createFixedWorld();
  const options = { cwd: world.folder, env: portsOf(world) };
  const daemon = await startSwob(['serve'], options);
  const { code, stdout, stderr } = await runSwob(['status'], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(
    new RegExp(
      `^gateway +http://127\\.0\\.0\\.1:${world.api} +ready +\\d+\\.\\d+\\.\\d+ +\\d+s +event_loop .*store \\d`,
      'm',
    ),
  );
  expect(stdout).toMatch(new RegExp(`^sync +http://127\\.0\\.0\\.1:${world.sync} +ready `, 'm'));
  expect(stdout).toContain(`store file:./data: open in pid ${daemon.pid} on host `);

  const json = await runSwob(['status', '--json'], options);
  expect(JSON.parse(json.stdout)).toMatchObject({
    daemons: [
      { name: 'gateway', state: 'ready', uptime: expect.any(Number), checks: expect.any(Array) },
      { name: 'sync', state: 'ready' },
    ],
    store: { url: 'file:./data', folder: world.data, holder: { pid: daemon.pid, state: 'live' } },
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
  expect(JSON.parse(gone.stderr).error.message).toContain('nobody listens there');
});

test('status of given URLs: one of ours by either scheme, one that is none, one that hangs', async () => {
  const world = await createFixedWorld();
  const { ready } = await startSwob(['serve'], { cwd: world.folder, env: portsOf(world) });
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
  const { code, stdout } = await runSwob(['status', '--json', ...args], { cwd: world.folder });
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

test('a port that the configuration leaves open is a usage error that says what to do', async () => {
  const { folder } = await createWorld();
  for (const command of ['status', 'wait']) {
    const { code, stderr } = await runSwob([command], { cwd: folder });
    expect(code).toBe(64);
    expect(stderr).toContain('say where it is with --url');
  }
});

test('wait goes on as soon as the daemons are ready, started before or after', async () => {
  const world = await createFixedWorld();
  const options = { cwd: world.folder, env: portsOf(world) };
  const waiting = runSwob(['wait', '--timeout', '20s'], options);
  await startSwob(['serve'], options);
  expect(await waiting).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(await runSwob(['wait', '--for', 'ready', '--timeout', '5s'], options)).toMatchObject({ code: 0 });
});

test('wait gives up after its time with 75, and says what is missing', async () => {
  const world = await createFixedWorld();
  const options = { cwd: world.folder, env: portsOf(world) };
  const down = await runSwob(['wait', '--timeout', '300ms'], options);
  expect(down).toMatchObject({ code: 75, stdout: '' });
  expect(down.stderr).toContain(
    `not so after 300ms: gateway at http://127.0.0.1:${world.api} is down: nobody listens there; sync at `,
  );
  const { ready } = await startSwob(['serve'], options);
  const seed = await runSwob(['wait', '--for', 'seed', '123456789012345', '--timeout', '300ms'], options);
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

test('wait --for paired: a pairing from before does not count, one after does', async () => {
  const world = await createFixedWorld();
  const options = { cwd: world.folder, env: portsOf(world) };
  const { ready } = await startSwob(['serve'], options);
  const gateway = ready.gateway.url;
  const pairNow = async (): Promise<string> =>
    pair(handshakeUrlOf(gateway, await openSession(gateway, 'alice')), createPhone(), 'correct horse');
  const key = await pairNow();
  const early = await runSwob(['wait', '--for', 'paired', 'alice', '--timeout', '300ms'], options);
  expect(early.code).toBe(75);
  expect(early.stderr).toContain('alice has not paired since');

  const script = [swobScript, 'wait', '--for', 'paired', 'alice', '--timeout', '20s'];
  const waiting = startProcess(process.execPath, script, options);
  const asked = async (): Promise<number> => {
    const { text } = await get(`${gateway}/metrics`);
    return Number(/route="\/sync\/users\/:userId\/paired",status="2xx"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before = await asked();
  await expect.poll(asked, { timeout: 20_000 }).toBeGreaterThan(before);
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

/** What doctor says of each check, by its name. */
function findingsIn(stdout: string): Map<string, Finding> {
  const { findings }: { findings: Finding[] } = JSON.parse(stdout);
  return new Map(findings.map((finding) => [finding.check, finding]));
}

test('doctor finds a fresh machine well, leaves nothing behind, and knows a running swob', async () => {
  const world = await createFixedWorld();
  const options = { cwd: world.folder, env: portsOf(world) };
  const fresh = await runSwob(['doctor', '--json'], options);
  const failed = [...findingsIn(fresh.stdout).values()].filter(({ state }) => state === 'fail');
  expect(failed).toEqual([]);
  expect(fresh).toMatchObject({ code: 0, stderr: '' });
  expect(findingsIn(fresh.stdout).get('store folder')?.detail).toContain('the first start makes it');
  expect(await readdir(world.folder)).toEqual(['confs']);

  const daemon = await startSwob(['serve'], options);
  const { code, stdout } = await runSwob(['doctor', '--json'], options);
  expect(code).toBe(0);
  const findings = findingsIn(stdout);
  expect(findings.get('port of gateway')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/swob \S+ \(gateway\) answers there, ready$/),
  });
  expect(findings.get('store holder')?.detail).toContain(`pid ${daemon.pid} `);
  expect(findings.get('gateway key')?.detail).toContain('RSA with 2048 bits, mode 0600');
  expect((await readdir(world.data)).filter((name) => name.includes('doctor'))).toEqual([]);
});

test('doctor says what is wrong and what to do, a line each, and never a secret', async () => {
  const world = await createFixedWorld();
  const cwd = world.folder;
  const daemon = await startSwob(['serve', '--set', 'api.port=0', '--set', 'websocket.port=0'], { cwd });
  daemon.kill('SIGTERM');
  await daemon.exit;
  const security = join(world.data, 'security');
  await chmod(join(security, 'private.pem'), 0o644);
  await writeFile(join(security, 'admin.token'), 'short\n');
  await mkdir(join(cwd, 'tls'));
  await writeFile(join(cwd, 'tls', 'crt.pem'), 'no certificate');
  await writeFile(join(cwd, 'tls', 'key.pem'), 'no key');
  const taken = await occupy();
  const gone = await freePort();
  const sets = [
    `api.port=${taken.port}`,
    `websocket.port=${world.sync}`,
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
    '[websocket_ssl]': 'renew both together',
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
  expect(text.stdout).toMatch(/^fail {2}gateway key: .* has mode 0644 and can be used by others$/m);
  expect(text.stdout).toMatch(/^ {6}-> chmod 0600 /m);
  expect(text.stderr).toMatch(/^swob: \d+ of \d+ checks failed$/m);
});

test('doctor of a broken configuration names the faults and exits with 78', async () => {
  const { folder } = await createWorld({ extra: '[sync]\nmax_conections = 5' });
  const { code, stderr } = await runSwob(['doctor'], { cwd: folder });
  expect(code).toBe(78);
  expect(stderr).toContain('unknown key sync.max_conections');
});

test('doctor is not held up by upstreams that take connections and say nothing', async () => {
  const world = await createFixedWorld();
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
  const began = performance.now();
  const { code, stdout } = await runSwob(args, { cwd: world.folder });
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(code).toBe(1);
  expect(findingsIn(stdout).get('broker login')).toMatchObject({ state: 'fail' });
  expect(findingsIn(stdout).get('Publisher')).toMatchObject({ state: 'ok' });
});

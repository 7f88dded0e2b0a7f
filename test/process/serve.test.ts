// `swob serve` for operators and scripts: what it prints when it is ready, where it listens, and when it
// refuses to start.

import { existsSync, readFileSync, watch } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runSwob, startProcess, startSwob, swobScript } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createPhone, get, openSession, pair, post } from '../support/phone.ts';
import { freePort, occupy } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { createInstallation, portOf } from './installation.ts';

const ping = { IMSI: '123456789012345', MSISDN: '+237650000000', seed_type: 'seed' };

test('prints the address of each service with its real port, and both respond', async () => {
  const { folder } = await createInstallation();
  const { ready, stdout } = await startSwob(['serve'], { cwd: folder });
  expect(portOf(ready.gateway.url)).toBeGreaterThan(0);
  expect(stdout().trim().split('\n').sort()).toEqual([
    `gateway ready at ${ready.gateway.url}`,
    `sync ready at ${ready.sync.url}`,
  ]);
  expect(await get(`${ready.gateway.url}/seeds`)).toMatchObject({ status: 200, text: '[]' });
  const initUrl = await openSession(ready.gateway.url, 'alice');
  expect(initUrl).toMatch(new RegExp(`^${ready.sync.url}/v2/sync/init/alice/[0-9a-f]{32}$`));
  const { qr_url } = JSON.parse(await (await openSocket(initUrl)).next());
  expect(await pair(qr_url, createPhone(), 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
});

test('pairs against `swob stub users`', async () => {
  const { folder } = await createInstallation();
  const stub = await startSwob<{ url: string }>(
    ['stub', 'users', '--user', 'carol:open sesame', '--port', '0'],
    { cwd: folder },
  );
  const api = ['api_url=', 'verification_url=/v2/users/%s/verify', 'platforms_url=/v2/users/%s/platforms'];
  const sets = api.flatMap((key) => [
    '--set',
    `user_management_api.${key.replace('=', `=${stub.ready.url}`)}`,
  ]);
  const { ready } = await startSwob(['serve', ...sets], { cwd: folder });
  const { qr_url } = JSON.parse(
    await (await openSocket(await openSession(ready.gateway.url, 'carol'))).next(),
  );
  expect(await pair(qr_url, createPhone(), 'open sesame')).toMatch(/^[0-9a-f]{32}$/);
});

test('prints the addresses as JSON with --json', async () => {
  const { folder } = await createInstallation();
  const swob = startProcess(process.execPath, [swobScript, 'serve', '--json'], { cwd: folder });
  for (const name of ['sync', 'gateway']) await swob.waitForOutput('stdout', `{"service":"${name}","url":"`);
  const lines = swob.stdout().trim().split('\n');
  const urls = new Map(lines.map((line) => [JSON.parse(line).service, JSON.parse(line).url]));
  expect([...urls.keys()].sort()).toEqual(['gateway', 'sync']);
  expect((await get(`${urls.get('gateway')}/seeds`)).status).toBe(200);
});

test('runs only the named service', async () => {
  const { folder } = await createInstallation();
  const { ready, stdout } = await startSwob(['serve', 'gateway'], { cwd: folder });
  expect(ready).toEqual({ gateway: { url: expect.stringMatching(/^http:/) } });
  expect(stdout()).toBe(`gateway ready at ${ready.gateway.url}\n`);
});

test('the ready file is written atomically, after both services respond', async () => {
  const { folder } = await createInstallation();
  const file = join(folder, 'ready.json');
  const appeared = new Promise<string>((resolve, reject) => {
    const watcher = watch(folder, (_event, name) => {
      if (name !== 'ready.json') return;
      try {
        // Read immediately: a moment later a partial file could be complete.
        resolve(readFileSync(file, 'utf8'));
      } catch (error) {
        reject(error);
      }
      watcher.close();
    });
    onTestFinished(() => watcher.close());
  });
  startProcess(process.execPath, [swobScript, 'serve', '--ready-file', 'ready.json'], { cwd: folder });
  const ready: Record<'gateway' | 'sync', { url: string }> = JSON.parse(await appeared);
  expect((await get(`${ready.gateway.url}/seeds`)).status).toBe(200);
  await openSocket(`${ready.sync.url}/v2/sync/init/alice/000`);
});

test('an unknown service is a usage error, and nothing is started', async () => {
  const { folder, data } = await createInstallation({ keys: false });
  const { code, stdout, stderr } = await runSwob(['serve', 'nonsense'], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  expect(stderr).toBe('swob: unknown service "nonsense"; expected one of: gateway, sync, disconnect\n');
  expect(existsSync(data)).toBe(false);
});

for (const [service, section] of [
  ['gateway', 'api'],
  ['sync', 'websocket'],
] as const) {
  test(`a busy port of ${service} is reported by name, and all other resources are released`, async () => {
    const { folder } = await createInstallation();
    const busy = await occupy();
    const args = ['serve', '--set', `${section}.port=${busy.port}`];
    const { code, stdout, stderr } = await runSwob([...args, '--ready-file', 'ready.json'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
    const errors = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":30'));
    expect(errors).toEqual([expect.stringContaining(`127.0.0.1:${busy.port}`)]);
    expect(errors[0]).toMatch(/^swob: .*EADDRINUSE/);
    expect(existsSync(join(folder, 'ready.json'))).toBe(false);
    // The lock file says that it was released, not merely that its owner died.
    expect(await readFile(join(folder, 'data', 'lock.1'), 'utf8')).toContain('released');
    await busy.free();
    const { ready } = await startSwob(args, { cwd: folder });
    expect(portOf(ready[service].url)).toBe(busy.port);
  });
}

test('listens only on the configured address', async (context) => {
  needs(context, { loopbackNetwork: true });
  const { folder } = await createInstallation();
  const { ready } = await startSwob(
    ['serve', '--set', 'api.host=127.0.0.2', '--set', 'websocket.host=127.0.0.3'],
    { cwd: folder },
  );
  expect(ready.gateway.url).toMatch(/^http:\/\/127\.0\.0\.2:/);
  expect(ready.sync.url).toMatch(/^ws:\/\/127\.0\.0\.3:/);
  expect((await get(`${ready.gateway.url}/seeds`)).status).toBe(200);
  await openSocket(`${ready.sync.url}/v2/sync/init/alice/000`);
  await expect(get(ready.gateway.url.replace('127.0.0.2', '127.0.0.1'))).rejects.toThrow('fetch failed');
  await expect(openSocket(ready.sync.url.replace('127.0.0.3', '127.0.0.1'))).rejects.toThrow('ECONNREFUSED');
});

test('clients get reachable URLs when it listens on a wildcard address', async () => {
  const { folder } = await createInstallation();
  const { ready } = await startSwob(
    ['serve', '--set', 'api.host=0.0.0.0', '--set', 'websocket.host=0.0.0.0'],
    { cwd: folder },
  );
  expect(ready.gateway.url).toMatch(/^http:\/\/0\.0\.0\.0:/);
  const initUrl = await openSession(`http://127.0.0.1:${portOf(ready.gateway.url)}`, 'alice');
  expect(initUrl).not.toContain('0.0.0.0');
  const { qr_url } = JSON.parse(await (await openSocket(initUrl)).next());
  expect(qr_url).not.toContain('0.0.0.0');
  expect(await pair(qr_url, createPhone(), 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
});

test('a second process on the same data names the owner and exits, and the first keeps serving', async () => {
  const { folder, data } = await createInstallation();
  const first = await startSwob(['serve'], { cwd: folder });
  const { code, stdout, stderr } = await runSwob(['serve'], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 75, stdout: '' });
  expect(stderr).toContain(`the store ${data} is in use by pid ${first.pid} on host `);
  expect((await post(`${first.ready.gateway.url}/seeds/ping`, ping)).status).toBe(200);
});

test('every configuration error is reported with its line, and nothing is started', async () => {
  const { folder, data, conf } = await createInstallation({ keys: false });
  const line = (await readFile(conf, 'utf8')).split('\n').length;
  await appendFile(conf, '[sync]\nmax_conections = 5\nsession_sleep_timeout = soon\n');
  const { code, stdout, stderr } = await runSwob(['serve'], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expect(stderr).toContain(`confs/conf.ini:${line + 1}: unknown key sync.max_conections`);
  expect(stderr).toContain(`confs/conf.ini:${line + 2}: [sync] session_sleep_timeout`);
  expect(existsSync(data)).toBe(false);
});

test('obsolete keys of the old server are logged', async () => {
  const { folder, conf } = await createInstallation();
  await appendFile(conf, '[websocket]\nDEBUG: True\n');
  const swob = await startSwob(['serve', 'sync'], { cwd: folder });
  await swob.waitForOutput('stderr', '[websocket] debug: ignored: the log level is set by [logging] level');
});

test('environment variables are configuration, and their errors are reported', async () => {
  const { folder } = await createInstallation();
  const { code, stderr } = await runSwob(['serve'], { cwd: folder, env: { SWOB_API_PORT: 'abc' } });
  expect(code).toBe(78);
  expect(stderr).toContain('environment SWOB_API_PORT: [api] port');
});

test('a memory store writes nothing to disk except the keys', async () => {
  const { folder, data } = await createInstallation({ keys: false });
  const port = await freePort();
  const { ready } = await startSwob(['serve', '--set', 'store.url=memory:', '--set', `api.port=${port}`], {
    cwd: folder,
  });
  expect(portOf(ready.gateway.url)).toBe(port);
  expect((await post(`${ready.gateway.url}/seeds/ping`, ping)).status).toBe(200);
  expect(existsSync(join(data, 'meta.json'))).toBe(false);
  expect(existsSync(join(data, 'security', 'private.pem'))).toBe(true);
});

test('an unwritable log does not stop the services', async () => {
  const { folder } = await createInstallation();
  const shell = `exec "${process.execPath}" "${swobScript}" serve 2>/dev/full`;
  const swob = await startProcess('sh', ['-c', shell], { cwd: folder });
  await swob.waitForOutput('stdout', 'sync ready at ');
  const url = /gateway ready at (\S+)/.exec(swob.stdout())?.[1] ?? '';
  const refused = await fetch(`${url}/v2/sync/users/alice/sessions/${'0'.repeat(32)}`, {
    method: 'POST',
    body: '{}',
  });
  expect(refused.status).toBe(400);
  expect((await fetch(`${url}/seeds`)).status).toBe(200);
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
});

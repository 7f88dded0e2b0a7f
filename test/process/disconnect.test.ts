// The disconnect service for operators: keys, logging out a user from a session with one command line,
// the configuration of the replaced service, the default services, errors at the start, and the stop.

import { generateKeyPairSync } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type PcrfStubOptions, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { runProcess, runSwob, startSwob, swobScript } from '../support/binary.ts';
import { get } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-service.ts';
import { createInstallation, portOf } from './installation.ts';

const success = '200 {"success":true}';

/** `swob stub pcrf` on a free port. */
const startStub = (cwd: string, ...options: string[]) =>
  startSwob<{ url: string }>(['stub', 'pcrf', '--port', '0', ...options], { cwd });

/** The same without a process of its own. */
async function startLocalStub(mode: Partial<PcrfStubOptions> = {}) {
  const stub = await startPcrfStub({ host: '127.0.0.1', port: 0, ...mode });
  onTestFinished(() => stub.close());
  return stub;
}

/** Path and query of every call that the stub received. */
async function callsOf(stub: { ready: { url: string } }): Promise<string[]> {
  const requests: { url: string }[] = JSON.parse((await get(`${stub.ready.url}/__requests`)).text);
  return requests.map(({ url }) => url);
}

describe('jwt mint | disconnect --token -', () => {
  const sessionOptions = '--session 5692549928996307964 --nas-ip 100.112.0.1 --vrf 1 --mac FC-45-96-5F-50-AC';

  /** Both commands, with a pipe of the shell between them. */
  const pipe = (folder: string, key: string, url: string) =>
    runProcess(
      'sh',
      [
        '-c',
        `"$0" "$1" jwt mint --key "$2" ${sessionOptions} | "$0" "$1" disconnect --token - --url "$3"`,
      ].concat(process.execPath, swobScript, key, url),
      { cwd: folder },
    );

  test('exits with 0 when the user is logged out, 1 when refused, 69 without a service', async () => {
    const keys = await makeKeys();
    const { folder, privateFile } = keys;
    const stub = await startStub(folder, '--session', '5692549928996307964:100.112.0.1:1:FC-45-96-5F-50-AC');
    const swob = await serveDisconnect(keys, stub.ready.url);
    const { url } = swob.ready.disconnect;
    expect(swob.stdout()).toBe(`disconnect ready at ${url}\n`);

    expect(await pipe(folder, privateFile, url)).toEqual({
      code: 0,
      signal: null,
      stdout: '{"success":true}\n',
      stderr: '',
    });
    expect(await callsOf(stub)).toEqual([
      '/account/disconnect?session=5692549928996307964&nas_ip=100.112.0.1&vrf=1&single=false&mac=FC-45-96-5F-50-AC&remove_mac=true',
    ]);
    // The session has ended.
    const name = stub.ready.url.slice('http://'.length);
    expect(await pipe(folder, privateFile, url)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `swob: not disconnected: the PCRF at ${name} refused: session 5692549928996307964 not found\n`,
    });
    const stranger = await makeKeys({ own: true });
    expect(await pipe(folder, stranger.privateFile, url)).toMatchObject({
      code: 1,
      stderr: 'swob: not disconnected: token refused: its signature does not match the key\n',
    });
    expect(await callsOf(stub)).toHaveLength(2);
    swob.kill('SIGTERM');
    await swob.exit;
    expect(await pipe(folder, privateFile, url)).toMatchObject({ code: 69, stdout: '' });
    expect(swob.stderr()).not.toMatch(/eyJ[\w-]+\.|"level":50/);
  });

  test('no process argument and no log line contains a token', async () => {
    const keys = await makeKeys();
    const stub = await startLocalStub();
    const swob = await serveDisconnect(keys, stub.url, ['logging.level=debug']);
    const token = keys.token();
    expect(await call(swob.ready.disconnect.url, token)).toBe(success);
    expect(await call(swob.ready.disconnect.url, `${token}x`)).toMatch(/^401 /);
    swob.kill('SIGTERM');
    await swob.exit;
    for (const part of [token, ...token.split('.')]) {
      expect(swob.stderr()).not.toContain(part);
      expect(swob.stdout()).not.toContain(part);
    }
    expect(swob.stderr()).toContain('"msg":"logged out"');
  });
});

test('--hocon reads the unchanged application.conf of the replaced service, and PORT sets the port', async () => {
  const keys = await makeKeys();
  const stub = await startLocalStub();
  const { hostname, port: pcrfPort } = new URL(stub.url);
  // All blocks of the documentation in one file.
  const conf = `pcrf {
  host = ${hostname}
  port = ${pcrfPort}
  timeout = 10s
  pool {
    min = 1
    max = 20
    waitTimeout = 5s
  }
}
validation {
  public_key = ${keys.publicFile}
}
`;
  await writeFile(join(keys.folder, 'application.conf'), conf);
  const port = await freePort();
  const { ready } = await startSwob(['serve', 'disconnect', '--hocon', 'application.conf'], {
    cwd: keys.folder,
    env: { PORT: String(port) },
  });
  expect(ready.disconnect.url).toBe(`http://0.0.0.0:${port}`);
  expect(await call(`http://127.0.0.1:${port}`, keys.token())).toBe(success);
  expect(stub.requests()).toHaveLength(1);
});

describe('serve without names', () => {
  const extra = (publicKey: string): string =>
    `[disconnect]\nhost = 127.0.0.1\nport = 0\n[validation]\npublic_key = ${publicKey}\n`;

  test('includes the disconnect service when its key is readable', async () => {
    const keys = await makeKeys();
    const unusedPort = await freePort();
    const { folder } = await createInstallation({
      extra: `${extra(keys.publicFile)}[pcrf]\nport = ${unusedPort}\n`,
    });
    const { ready, stdout } = await startSwob(['serve'], { cwd: folder });
    expect(Object.keys(ready).sort()).toEqual(['disconnect', 'gateway', 'sync']);
    expect(portOf(ready.disconnect.url)).toBeGreaterThan(0);
    expect(stdout()).toContain(`disconnect ready at ${ready.disconnect.url}\n`);
    // Without a PCRF the service runs and reports that.
    expect(await call(ready.disconnect.url, keys.token())).toMatch(
      new RegExp(
        `^502 \\{"success":false,"fail":"the PCRF at localhost:${unusedPort} is unreachable \\(\\w+\\)","code":"UPSTREAM"\\}$`,
      ),
    );
    expect((await get(`${ready.gateway.url}/seeds`)).status).toBe(200);
  });

  test('runs only gateway and sync otherwise', async () => {
    const { folder } = await createInstallation({ extra: extra('missing.pem') });
    const { ready } = await startSwob(['serve'], { cwd: folder });
    expect(Object.keys(ready).sort()).toEqual(['gateway', 'sync']);
  });
});

describe('serve disconnect exits with 78 for an unusable key', () => {
  const serve = (cwd: string, file: string) =>
    runSwob(['serve', 'disconnect', '--set', 'disconnect.port=0', '--set', `validation.public_key=${file}`], {
      cwd,
    });

  test('a missing key: names its path and how to create it', async () => {
    const { folder } = await createInstallation();
    const file = join(folder, 'nowhere', 'public.pem');
    const { code, stdout, stderr } = await serve(folder, file);
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toContain(`[validation] public_key: cannot read ${file}`);
    expect(stderr).toContain('swob jwt keygen');
  });

  test('a key of 1024 bits: names its path and size', async () => {
    const { folder } = await createInstallation();
    const file = join(folder, 'public.pem');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }));
    const { code, stderr } = await serve(folder, file);
    expect(code).toBe(78);
    expect(stderr).toContain(`${file} has 1024 bits; 2048 to 16384 are accepted`);
  });

  test('a private one: names its path', async () => {
    const { folder, privateFile } = await makeKeys();
    const { code, stderr } = await serve(folder, privateFile);
    expect(code).toBe(78);
    expect(stderr).toContain(`${privateFile} holds a private key`);
    expect(stderr).not.toContain((await readFile(privateFile, 'utf8')).split('\n')[1]);
  });
});

test('warns about a key file that its group can write', async () => {
  const keys = await makeKeys();
  const warning = 'other users can write the verification key; set its mode with chmod 0440';
  const strict = await serveDisconnect(keys, 'http://127.0.0.1:1');
  await chmod(keys.publicFile, 0o460);
  const loose = await serveDisconnect(keys, 'http://127.0.0.1:1');
  await loose.waitForOutput('stderr', warning);
  expect(loose.stderr()).toContain(`"file":"${keys.publicFile}","mode":"460"`);
  expect(strict.stderr()).not.toContain(warning);
});

describe('SIGTERM', () => {
  test('during a slow call: the process exits after the call has ended', async () => {
    const keys = await makeKeys();
    const stub = await startLocalStub({ mode: 'slow', ms: 1_500 });
    const swob = await serveDisconnect(keys, stub.url);
    const response = call(swob.ready.disconnect.url, keys.token());
    await vi.waitFor(() => expect(stub.requests()).toHaveLength(1));
    swob.kill('SIGTERM');
    await swob.waitForOutput('stderr', '"msg":"stopping"');
    expect(swob.stderr()).not.toContain('logged out');
    expect(await response).toBe(success);
    expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect(swob.stderr()).not.toContain('"level":50');
  });

  test('while the PCRF hangs: the stop is not forced, whatever [pcrf] timeout is', async () => {
    const keys = await makeKeys();
    const stub = await startLocalStub({ mode: 'hang' });
    const swob = await serveDisconnect(keys, stub.url, ['pcrf.timeout=5m']);
    const response = call(swob.ready.disconnect.url, keys.token()).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(stub.requests()).toHaveLength(1));
    swob.kill('SIGTERM');
    expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect(swob.stderr()).not.toContain('by force');
    expect(await response).toBe('socket hang up');
  });
});

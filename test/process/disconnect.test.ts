// The disconnect service as operators meet it: keys, the way from a session to a logged-out user in one line,
// the configuration of the replaced service, what runs by default, and how it refuses to start and stops.

import { generateKeyPairSync } from 'node:crypto';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { runProcess, runSwob, startSwob, swobScript } from '../support/binary.ts';
import { get } from '../support/phone.ts';
import { freePort } from '../support/ports.ts';
import { call, makeKeys, serveDisconnect } from './disconnect-world.ts';
import { createWorld, portOf } from './world.ts';

const success = '200 {"success":true}';

/** `swob stub pcrf` on a free port. */
const startStub = (cwd: string, ...options: string[]) =>
  startSwob<{ url: string }>(['stub', 'pcrf', '--port', '0', ...options], { cwd });

/** Path and query of every call that the stub has had. */
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

  test('logs a user out: exit 0; is told no: 1; finds no service: 69', async () => {
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
    // The session is gone now.
    const name = stub.ready.url.slice('http://'.length);
    expect(await pipe(folder, privateFile, url)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `swob: not disconnected: the PCRF at ${name} refused: session 5692549928996307964 not found\n`,
    });
    const stranger = await makeKeys();
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

  test('no token stands in the arguments of a process or in the log', async () => {
    const keys = await makeKeys();
    const stub = await startStub(keys.folder);
    const swob = await serveDisconnect(keys, stub.ready.url, ['logging.level=debug']);
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

test('--hocon reads the application.conf of the replaced service as it is, and PORT is its port', async () => {
  const keys = await makeKeys();
  const stub = await startStub(keys.folder);
  const { hostname, port: pcrfPort } = new URL(stub.ready.url);
  // The blocks of the documentation, put together.
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
  expect(await callsOf(stub)).toHaveLength(1);
});

describe('serve without names', () => {
  const extra = (publicKey: string): string =>
    `[disconnect]\nhost = 127.0.0.1\nport = 0\n[validation]\npublic_key = ${publicKey}\n`;

  test('runs the disconnect service too when its key is readable', async () => {
    const keys = await makeKeys();
    const nobody = await freePort();
    const { folder } = await createWorld({ extra: `${extra(keys.publicFile)}[pcrf]\nport = ${nobody}\n` });
    const { ready, stdout } = await startSwob(['serve'], { cwd: folder });
    expect(Object.keys(ready).sort()).toEqual(['disconnect', 'gateway', 'sync']);
    expect(portOf(ready.disconnect.url)).toBeGreaterThan(0);
    expect(stdout()).toContain(`disconnect ready at ${ready.disconnect.url}\n`);
    // No PCRF is there: the service is, and says so.
    expect(await call(ready.disconnect.url, keys.token())).toMatch(
      new RegExp(
        `^502 \\{"success":false,"fail":"the PCRF at localhost:${nobody} is unreachable \\(\\w+\\)"\\}$`,
      ),
    );
    expect((await get(`${ready.gateway.url}/seeds`)).status).toBe(200);
  });

  test('and the gateway and sync alone otherwise', async () => {
    const { folder } = await createWorld({ extra: extra('missing.pem') });
    const { ready } = await startSwob(['serve'], { cwd: folder });
    expect(Object.keys(ready).sort()).toEqual(['gateway', 'sync']);
  });
});

describe('a key that cannot be used ends serve disconnect with 78', () => {
  const serve = (cwd: string, file: string) =>
    runSwob(['serve', 'disconnect', '--set', 'disconnect.port=0', '--set', `validation.public_key=${file}`], {
      cwd,
    });

  test('a missing one: with its path and how to make one', async () => {
    const { folder } = await createWorld();
    const file = join(folder, 'nowhere', 'public.pem');
    const { code, stdout, stderr } = await serve(folder, file);
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toContain(`[validation] public_key: cannot read ${file}`);
    expect(stderr).toContain('swob jwt keygen');
  });

  test('one of 1024 bits: with its path and its size', async () => {
    const { folder } = await createWorld();
    const file = join(folder, 'public.pem');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    await writeFile(file, publicKey.export({ type: 'spki', format: 'pem' }));
    const { code, stderr } = await serve(folder, file);
    expect(code).toBe(78);
    expect(stderr).toContain(`${file} has 1024 bits; 2048 to 16384 are accepted`);
  });

  test('a private one', async () => {
    const { folder, privateFile } = await makeKeys();
    const { code, stderr } = await serve(folder, privateFile);
    expect(code).toBe(78);
    expect(stderr).toContain(`${privateFile} holds a private key`);
    expect(stderr).not.toContain((await readFile(privateFile, 'utf8')).split('\n')[1]);
  });
});

test('a key file that its group can write is a warning', async () => {
  const keys = await makeKeys();
  const warning = 'the verification key can be written by others; chmod 0440 it';
  const strict = await serveDisconnect(keys, 'http://127.0.0.1:1');
  await chmod(keys.publicFile, 0o460);
  const loose = await serveDisconnect(keys, 'http://127.0.0.1:1');
  await loose.said('stderr', warning);
  expect(loose.stderr()).toContain(`"file":"${keys.publicFile}","mode":"460"`);
  expect(strict.stderr()).not.toContain(warning);
});

describe('SIGTERM', () => {
  test('in the middle of a slow call: the call ends, then the process', async () => {
    const keys = await makeKeys();
    const stub = await startStub(keys.folder, '--mode', 'slow', '--ms', '1500');
    const swob = await serveDisconnect(keys, stub.ready.url);
    const answer = call(swob.ready.disconnect.url, keys.token());
    await vi.waitFor(async () => expect(await callsOf(stub)).toHaveLength(1), { timeout: 10_000 });
    swob.kill('SIGTERM');
    await swob.said('stderr', '"msg":"stopping"');
    expect(swob.stderr()).not.toContain('logged out');
    expect(await answer).toBe(success);
    expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect(swob.stderr()).not.toContain('"level":50');
  });

  test('while the PCRF hangs: no force is needed, whatever [pcrf] timeout is', async () => {
    const keys = await makeKeys();
    const stub = await startStub(keys.folder, '--mode', 'hang');
    const swob = await serveDisconnect(keys, stub.ready.url, ['pcrf.timeout=5m']);
    const answer = call(swob.ready.disconnect.url, keys.token()).catch((error: Error) => error.message);
    await vi.waitFor(async () => expect(await callsOf(stub)).toHaveLength(1), { timeout: 10_000 });
    swob.kill('SIGTERM');
    expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
    expect(swob.stderr()).not.toContain('by force');
    expect(await answer).toBe('socket hang up');
  });
});

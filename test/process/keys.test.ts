// The gateway's key pair on disk: created by the first start, the operator's own, and unusable ones.
// test/crypto/server-keys.test.ts has every way in which a pair is unusable.

import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, runSwob, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createPhone, handshakeUrlOf, openSession, pair, shakeHands } from '../support/phone.ts';
import { freePort, occupy } from '../support/ports.ts';
import { createInstallation } from './installation.ts';

/** The PEM that phones get in a handshake. */
async function keyOf(gateway: string): Promise<string> {
  const url = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  return (await shakeHands(url, createPhone())).publicKey;
}

test('the first start creates the pair, readable by its owner only, and the second start uses it', async () => {
  const { folder, data } = await createInstallation({ keys: false });
  const first = await startSwob(['serve'], { cwd: folder });
  const pem = await keyOf(first.ready.gateway.url);
  const file = join(data, 'security', 'private.pem');
  const privatePem = await readFile(file, 'utf8');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(data, 'security'))).mode & 0o777).toBe(0o700);
  expect((await readdir(join(data, 'security'))).sort()).toEqual([
    'admin.token',
    'private.pem',
    'public.pem',
  ]);
  expect((await stat(join(data, 'security', 'admin.token'))).mode & 0o777).toBe(0o600);
  first.kill('SIGTERM');
  await first.exit;
  const announced = /"level":40.*"file":"[^"]*private\.pem".*created a new key pair, because there was none/;
  expect(first.stderr()).toMatch(announced);
  const second = await startSwob(['serve'], { cwd: folder });
  expect(await keyOf(second.ready.gateway.url)).toBe(pem);
  expect(await readFile(file, 'utf8')).toBe(privatePem);
  expect(second.stderr()).not.toMatch(announced);
});

/** Runs openssl(1) in the folder of the keys. */
async function openssl(folder: string, commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const { code, stderr } = await runProcess('openssl', command.split(' '), { cwd: folder });
    if (code !== 0) throw new Error(`openssl ${command}: ${stderr}`);
  }
}

async function keyFolder(installation: { readonly data: string }): Promise<string> {
  const folder = join(installation.data, 'security');
  await mkdir(folder, { recursive: true });
  return folder;
}

const ownKeys: Record<string, readonly string[]> = {
  'PKCS #8, 3072 bits': [
    'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out private.pem',
    'pkey -in private.pem -pubout -out public.pem',
  ],
  'PKCS #1, both files': [
    'genrsa -traditional -out private.pem 2048',
    'rsa -in private.pem -RSAPublicKey_out -out public.pem',
  ],
};

for (const [kind, commands] of Object.entries(ownKeys)) {
  test(`a phone pairs with the operator's own pair (${kind})`, async (context) => {
    needs(context, { command: 'openssl' });
    const installation = await createInstallation({ keys: false });
    const keys = await keyFolder(installation);
    await openssl(keys, commands);
    const before = await readFile(join(keys, 'private.pem'), 'utf8');
    await openssl(keys, ['pkey -in private.pem -pubout -out expected.pem']);
    const { ready } = await startSwob(['serve'], { cwd: installation.folder });
    expect(await keyOf(ready.gateway.url)).toBe(await readFile(join(keys, 'expected.pem'), 'utf8'));
    const url = handshakeUrlOf(ready.gateway.url, await openSession(ready.gateway.url, 'alice'));
    expect(await pair(url, createPhone(), 'correct horse')).toMatch(/^[0-9a-f]{32}$/);
    expect(await readFile(join(keys, 'private.pem'), 'utf8')).toBe(before);
  });
}

/** What is wrong with the pair, how the test causes it, and the file that the message must name. */
const badKeys: [fault: string, make: (folder: string) => Promise<void>, named: string][] = [
  ['the private key cannot be read', (folder) => mkdir(join(folder, 'private.pem')), 'private.pem'],
  [
    'the two do not belong together',
    (folder) =>
      openssl(folder, [
        'genrsa -out private.pem 2048',
        'genrsa -out other.pem 2048',
        'pkey -in other.pem -pubout -out public.pem',
      ]),
    'public.pem',
  ],
];

for (const [fault, make, named] of badKeys) {
  test(`does not start when ${fault}, names the file, and releases all resources`, async (context) => {
    needs(context, { command: 'openssl' });
    const installation = await createInstallation({ keys: false });
    const keys = await keyFolder(installation);
    await make(keys);
    const before = await readdir(keys);
    const [gatewayPort, syncPort] = [await freePort(), await freePort()];
    const sets = ['--set', `api.port=${gatewayPort}`, '--set', `websocket.port=${syncPort}`];
    const { code, stdout, stderr } = await runSwob(['serve', ...sets, '--ready-file', 'ready.json'], {
      cwd: installation.folder,
    });
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    const line = stderr.split('\n').find((candidate) => candidate.startsWith('swob: '));
    expect(line).toContain(join('data', 'security', named));
    // The files belong to the operator: swob creates and replaces nothing.
    expect(await readdir(keys)).toEqual(before);
    for (const port of [gatewayPort, syncPort]) await occupy(port);
    expect(await readFile(join(installation.data, 'lock.1'), 'utf8')).toContain('released');
    expect(await readdir(installation.folder)).not.toContain('ready.json');
  });
}

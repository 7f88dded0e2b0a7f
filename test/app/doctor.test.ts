// The checks of `swob doctor` that need files and clocks rather than daemons.

import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkCertificates } from '../../src/app/doctor/certificates.ts';
import { checkKeys } from '../../src/app/doctor/keys.ts';
import { checkPhoneAccess, type ProbeCertificate } from '../../src/app/doctor/phones.ts';
import { checkAccountingPort, checkPort } from '../../src/app/doctor/ports.ts';
import { checkFolder } from '../../src/app/doctor/store.ts';
import { checkNode, compareWithUpstreamClocks, startClockCheck } from '../../src/app/doctor/system.ts';
import { checkUpstream } from '../../src/app/doctor/upstreams.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema.ts';
import { checkHolderAndSpace } from '../../src/store/lowdb/inspect.ts';
import { configFile } from '../support/config-files.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { openFiles } from '../support/open-files.ts';
import { occupy } from '../support/ports.ts';

const day = 86_400_000;

function configOf(...overrides: string[]): Config {
  return loadConfig({ files: [configFile('')], env: {}, setOptions: overrides }).config;
}

test('certificates: valid, about to expire, expired, and not matching their keys', async () => {
  const folder = temporaryFolder();
  const [crt, key, other] = ['crt', 'key', 'other'].map((name) => join(folder, name));
  const make = (keyFile = ''): void => {
    const subject = ['-days', '60', '-subj', '/CN=gw.example.org', '-keyout', keyFile, '-out', String(crt)];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], {
      stdio: 'ignore',
    });
  };
  make(key);
  await chmod(String(key), 0o600);
  const settings = [`api_ssl.crt=${crt}`, `api_ssl.key=${key}`];
  const after = async (days: number, ...others: string[]) => {
    const config = configOf(...settings, ...others);
    const [finding] = await checkCertificates(config, ['gateway', 'sync'], Date.now() + days * day);
    return [finding?.state, finding?.detail];
  };
  expect(await after(0)).toEqual(['ok', expect.stringMatching(/, (59|60) days left$/)]);
  const production = ['api.state=production', 'api.public_url=https://gw.example.org'];
  expect(await after(0, ...production)).toEqual([
    'warn',
    `${crt} is self-signed: phones and browsers refuse it`,
  ]);
  expect(await after(50)).toEqual(['warn', expect.stringMatching(/expires in (9|10) days$/)]);
  expect(await after(61)).toEqual(['fail', expect.stringContaining('expired on')]);
  expect(await after(-1)).toEqual(['fail', expect.stringContaining('is not valid before')]);
  await chmod(String(key), 0o640);
  expect(await after(0)).toEqual(['fail', expect.stringContaining('mode 0640')]);
  make(other);
  expect(await after(0)).toEqual(['fail', `${key} is not the key of ${crt}`]);
  await writeFile(String(crt), 'x');
  expect(await after(0)).toEqual(['fail', expect.stringContaining('damaged')]);
});

test('phones: in production a gateway without a trusted certificate is a warning, and Twilio without a token is reported', async () => {
  const findings = (probe: Awaited<ReturnType<ProbeCertificate>>, ...overrides: string[]) =>
    checkPhoneAccess(
      configOf('api.state=production', 'twilio.auth_token=x', ...overrides),
      async () => probe,
    );
  const trusted = { kind: 'trusted' } as const;
  const secure = 'api.public_url=https://gw.example.org';
  const states = async (...options: Parameters<typeof findings>) =>
    (await findings(...options)).map(({ check, state }) => [check, state]);
  expect(await states(trusted, secure)).toEqual([['TLS for phones', 'ok']]);
  expect(await states(trusted, 'api.public_url=http://gw.example.org')).toEqual([['TLS for phones', 'warn']]);
  expect(await states(trusted)).toEqual([['TLS for phones', 'warn']]);
  expect(await states(trusted, 'api_ssl.crt=a', 'api_ssl.key=b')).toEqual([['TLS for phones', 'ok']]);
  expect(await states(trusted, secure, 'twilio.auth_token=')).toEqual([
    ['TLS for phones', 'ok'],
    ['Twilio', 'ok'],
  ]);
  expect(await findings({ kind: 'refused', reason: 'CERT_HAS_EXPIRED' }, secure)).toMatchObject([
    { state: 'warn', detail: 'phones refuse the certificate of https://gw.example.org: CERT_HAS_EXPIRED' },
  ]);
  expect(await findings({ kind: 'unknown', reason: 'ECONNREFUSED' }, secure)).toMatchObject([
    { state: 'ok' },
  ]);
  expect(await states(trusted, 'api.public_url=http://gw.example.org', 'api.state=testing')).toEqual([]);
});

test('secrets of NAS: readable, too open, and missing; none is needed for the PCRF', async () => {
  const file = join(temporaryFolder(), 'nas.secret');
  const section = ['nas branch.address=10.0.0.1', `nas branch.secret_file=${file}`];
  const hs256 = ['validation.algorithms=HS256', `validation.secret_file=${file}.hs256`];
  await writeFile(`${file}.hs256`, 'x'.repeat(32), { mode: 0o600 });
  const states = async (backend: string) =>
    (await checkKeys(configOf(`disconnect.backend=${backend}`, ...section, ...hs256), ['disconnect']))
      .filter(({ check }) => check.startsWith('secret of NAS'))
      .map(({ check, state, advice }) => [check, state, advice]);
  expect(await states('radius')).toEqual([['secret of NAS branch', 'fail', expect.any(String)]]);
  await writeFile(file, 'secret', { mode: 0o400 });
  expect(await states('both')).toEqual([['secret of NAS branch', 'ok', undefined]]);
  await chmod(file, 0o444);
  expect(await states('radius')).toEqual([['secret of NAS branch', 'warn', `chmod 0400 ${file}`]]);
  expect(await states('pcrf')).toEqual([]);
  section.push('disconnect.verify=accounting');
  expect(await states('pcrf')).toEqual([['secret of NAS branch', 'warn', `chmod 0400 ${file}`]]);
});

test('keys: modes, mismatched pairs, and a private key in place of a public one', async () => {
  const folder = temporaryFolder();
  const pem = (bits = 2_048) =>
    generateKeyPairSync('rsa', {
      modulusLength: bits,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  const [publicFile, privateFile, verification] = ['public', 'private', 'jwt'].map((name) =>
    join(folder, name),
  );
  const config = configOf(
    `security.public_key_filepath=${publicFile}`,
    `security.private_key_filepath=${privateFile}`,
    `security.admin_token_filepath=${join(folder, 'admin')}`,
    `validation.public_key=${verification}`,
  );
  const findings = async (): Promise<Record<string, string>> => {
    const all = await checkKeys(config, ['gateway', 'disconnect']);
    return Object.fromEntries(all.map(({ check, state, detail }) => [check, `${state}: ${detail}`]));
  };
  expect(await findings()).toMatchObject({
    'gateway key': expect.stringMatching(/^ok: .* the first start creates it$/),
    'verification key': `fail: ${verification} does not exist`,
  });
  const [own, strange] = [pem(), pem()];
  await writeFile(String(privateFile), own.privateKey, { mode: 0o600 });
  await writeFile(String(publicFile), strange.publicKey);
  await writeFile(String(verification), strange.publicKey, { mode: 0o600 });
  await chmod(String(verification), 0o466);
  await writeFile(join(folder, 'admin'), 'x'.repeat(43), { mode: 0o604 });
  expect(await findings()).toEqual({
    'gateway key': `fail: ${publicFile} does not belong to ${privateFile}`,
    'admin token': expect.stringMatching(/^fail: other users can read or change .* \(mode 0604\)$/),
    'verification key': expect.stringMatching(/^fail: other users can change .* \(mode 0466\)$/),
  });
  await writeFile(String(publicFile), own.publicKey);
  await chmod(String(verification), 0o640);
  await writeFile(String(verification), strange.privateKey);
  const later = await findings();
  expect(later['gateway key']).toMatch(/^ok: .* RSA with 2048 bits, mode 0600$/);
  expect(later['verification key']).toMatch(/^fail: .* holds a private key$/);
  expect(Object.values(later).join()).not.toContain('BEGIN');
});

test('clocks: never set, jumping, and different from upstream clocks', () => {
  const good = createFakeClock(Date.parse('2026-11-25T12:00:00Z'));
  const calm = startClockCheck(good);
  good.advance(2_000);
  expect(calm().state).toBe('ok');
  const jumped = startClockCheck(good);
  good.setWall(good.now() + 5_000);
  expect(jumped()).toMatchObject({ state: 'warn', detail: 'it jumped by 5000 ms during the check' });
  expect(startClockCheck(createFakeClock(0))()).toMatchObject({ state: 'fail' });

  expect(compareWithUpstreamClocks(new Map())).toBeUndefined();
  expect(compareWithUpstreamClocks(new Map([['PCRF', -29_000]]))).toMatchObject({ state: 'ok' });
  expect(
    compareWithUpstreamClocks(
      new Map([
        ['Publisher', 1_000],
        ['PCRF', -31_000],
      ]),
    ),
  ).toMatchObject({
    state: 'warn',
    detail: 'the clock of PCRF is 31 s behind ours',
  });
});

test.each([
  ['v20.18.9', 'fail'],
  ['v20.19.0', 'ok'],
  ['v24.1.0', 'ok'],
  ['v18.20.0', 'fail'],
])('Node %s: %s', (version, state) => {
  expect(checkNode(version).state).toBe(state);
});

test('ports: free, in use by swob or another program, and on an address of another machine', async () => {
  const taken = await occupy();
  const at = (host: string, port: number, who?: string) =>
    checkPort({ service: 'gateway', host, port }, async () => who);
  expect(await at('127.0.0.1', taken.port)).toMatchObject({ state: 'fail' });
  expect(await at('127.0.0.1', taken.port, 'swob 1.0 answers there')).toMatchObject({ state: 'ok' });
  await taken.free();
  expect((await at('127.0.0.1', taken.port)).detail).toContain('is free');
  expect(await at('192.0.2.1', 6_969)).toMatchObject({ state: 'fail', check: 'port of gateway' });
  expect(await at('127.0.0.1', 0)).toMatchObject({ state: 'ok' });
});

test('the UDP port of accounting: free, in use by swob or another program', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const check = (who?: string) =>
    checkAccountingPort({ host: '127.0.0.1', accounting_port: port }, async () => who);
  const before = openFiles('socket:');
  expect(await check()).toMatchObject({ state: 'fail', advice: expect.stringContaining('accounting_port') });
  expect(await check('swob 1.0 answers there')).toMatchObject({ state: 'ok' });
  // The console runs the checks in the daemon, whose own service has the port.
  expect(openFiles('socket:').filter((each) => !before.includes(each))).toEqual([]);
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  expect((await check()).detail).toContain('is free');
});

test('a PCRF that cannot be reached is a failure alone, and a warning beside others', async () => {
  const address = { host: 'a', port: 1, key: '[pcrf]' };
  const upstream = { name: 'PCRF', service: 'disconnect', ...address, consequence: 'x' } as const;
  const refused = () => Promise.reject(new Error('no'));
  expect((await checkUpstream(upstream, refused)).state).toBe('fail');
  expect((await checkUpstream({ ...upstream, isOneOfSeveral: true }, refused)).state).toBe('warn');
});

test('folders: present, not created yet, replaced by a file, and on a full disk', async () => {
  const folder = temporaryFolder();
  const check = (name: string) => checkFolder('store folder', join(folder, name), '[store] url', true);
  await mkdir(join(folder, 'open'), { mode: 0o755 });
  await chmod(join(folder, 'open'), 0o755);
  await mkdir(join(folder, 'good'), { mode: 0o700 });
  await writeFile(join(folder, 'file'), '');
  expect(await check('good')).toMatchObject({ state: 'ok' });
  expect(await check('open')).toMatchObject({ state: 'warn', advice: expect.stringContaining('chmod 0700') });
  expect(await check('new/deep')).toMatchObject({
    state: 'ok',
    detail: expect.stringContaining('does not exist yet'),
  });
  expect(await check('file')).toMatchObject({ state: 'fail' });
  expect(await checkFolder('log folder', join(folder, 'open'), '[logging] base_dir', false)).toMatchObject({
    state: 'ok',
  });
  const holder = { pid: 1, host: 'elsewhere', since: '2026-01-01T00:00:00.000Z', state: 'unknown' as const };
  const space = { freeBytes: 50e6, totalBytes: 1e9, freeFiles: 5, low: true };
  const findings = checkHolderAndSpace({ folder: join(folder, 'good'), holder, space });
  expect(findings.map(({ check: name, state }) => [name, state])).toEqual([
    ['disk space', 'warn'],
    ['store holder', 'warn'],
  ]);
});

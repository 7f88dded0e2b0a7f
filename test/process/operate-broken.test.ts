// `swob status`, `wait` and `doctor` with a running daemon whose configured files have since been removed: none
// of them aborts, and `status` shows what runs.

import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { publicPem } from '../crypto/token-builder.ts';
import { runProcess, runSwob, startSwob, swobScript } from '../support/binary.ts';
import { makeCertificate } from '../support/certificates.ts';
import { needs } from '../support/needs.ts';
import { createFixedPortInstallation, portsOf } from './fixed-port-installation.ts';

interface Health {
  readonly name: string;
  readonly state: string;
  readonly note?: string;
}

const set = (...pairs: readonly string[]): string[] => pairs.flatMap((pair) => ['--set', pair]);

test('status and wait query the daemon, and doctor says what to do, when the certificate is missing or a folder', async () => {
  const installation = await createFixedPortInstallation();
  const options = { cwd: installation.folder, env: portsOf(installation) };
  const { crt, key } = makeCertificate(installation.folder, 'tls');
  const tls = set(
    `api_ssl.crt=${crt}`,
    `api_ssl.key=${key}`,
    `websocket_ssl.crt=${crt}`,
    `websocket_ssl.key=${key}`,
  );
  await startSwob(['serve', 'gateway', 'sync', ...tls], options);
  const status = async (...more: string[]) => {
    const { code, stdout } = await runSwob(['status', '--json', ...more], options);
    return { code, daemons: JSON.parse(stdout).daemons as Health[] };
  };
  const doctor = async () => {
    const { code, stdout, stderr } = await runSwob(['doctor', '--json', ...tls], options);
    return {
      code,
      stderr,
      findings: JSON.parse(stdout).findings as {
        check: string;
        state: string;
        advice?: string;
        detail: string;
      }[],
    };
  };
  const ready = [
    { name: 'gateway', state: 'ready' },
    { name: 'sync', state: 'ready' },
  ];
  await expect.poll(() => status(...tls)).toMatchObject({ code: 0, daemons: ready });

  // The configuration no longer enables TLS, but the daemon keeps the settings it was started with.
  const otherwise = await status();
  expect(otherwise).toMatchObject({ code: 0, daemons: ready });
  expect(otherwise.daemons[0]?.note).toContain('it uses TLS');

  rmSync(crt);
  const gone = await status(...tls);
  expect(gone).toMatchObject({ code: 0, daemons: ready });
  expect(gone.daemons[0]?.note).toContain(`cannot read the certificate ${crt}`);
  expect(await runSwob(['wait', '--timeout', '1m', ...tls], options)).toMatchObject({ code: 0 });
  const missing = await doctor();
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('checks failed') });
  expect(missing.findings.filter(({ check }) => check === '[api_ssl]')).toMatchObject([
    { state: 'fail', detail: `${crt} does not exist`, advice: expect.stringContaining('put the file there') },
  ]);
  expect(missing.findings.find(({ check }) => check === 'port of gateway')).toMatchObject({
    state: 'ok',
    detail: expect.stringContaining('(gateway), which is ready'),
  });

  mkdirSync(crt);
  await expect.poll(() => status(...tls)).toMatchObject({ code: 0, daemons: ready });
  const folder = await doctor();
  expect(folder.findings.filter(({ check }) => check === '[api_ssl]')).toMatchObject([
    { state: 'fail', advice: expect.stringContaining(`rmdir ${crt}`) },
  ]);
});

test('status shows the daemons in 80 columns, whatever the verification key file contains', async () => {
  const keyFile = 'validation.pem';
  const installation = await createFixedPortInstallation({ extra: `[validation]\npublic_key = ${keyFile}` });
  const options = { cwd: installation.folder, env: portsOf(installation) };
  const file = join(installation.folder, keyFile);
  writeFileSync(file, publicPem);
  const status = async (...words: string[]) => {
    const { code, stdout } = await runSwob(['status', '--json', ...words], options);
    const { daemons }: { daemons: Health[] } = JSON.parse(stdout);
    return [code, ...daemons.map(({ name, state }) => `${name} ${state}`)];
  };
  await expect.poll(() => status()).toEqual([1, 'gateway down', 'sync down', 'disconnect down']);
  const all = await startSwob(['serve'], options);
  await expect.poll(() => status()).toEqual([0, 'gateway ready', 'sync ready', 'disconnect ready']);
  const { stdout } = await runSwob(['status'], options);
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(stdout.split('\n').length).toBeGreaterThan(7);
  rmSync(file);
  mkdirSync(file);
  await expect.poll(() => status()).toEqual([0, 'gateway ready', 'sync ready', 'disconnect ready']);
  all.kill('SIGTERM');
  await all.exit;

  rmSync(file, { recursive: true });
  const pair = await startSwob(['serve'], options);
  await expect.poll(() => status()).toEqual([0, 'gateway ready', 'sync ready']);
  // The file exists now, but the running daemon was started without it.
  writeFileSync(file, publicPem);
  await expect.poll(() => status()).toEqual([0, 'gateway ready', 'sync ready', 'disconnect off']);
  await expect.poll(() => status('gateway', 'disconnect')).toEqual([1, 'gateway ready', 'disconnect down']);
  pair.kill('SIGTERM');
  await pair.exit;

  const half = await startSwob(['serve', 'gateway'], options);
  await expect.poll(() => status()).toEqual([1, 'gateway ready', 'sync down', 'disconnect off']);
  half.kill('SIGTERM');
  await half.exit;
  await startSwob(['serve', 'disconnect'], options);
  await expect.poll(() => status()).toEqual([0, 'gateway off', 'sync off', 'disconnect ready']);
});

test('doctor names damaged records and the reason why the store cannot be opened', async () => {
  const installation = await createFixedPortInstallation();
  const options = { cwd: installation.folder, env: portsOf(installation) };
  const swob = await startSwob(['serve', 'gateway'], options);
  const ping = { IMSI: '624010123456789', MSISDN: '+237650000000', seed_type: 'seed' };
  const { status } = await fetch(`${swob.ready.gateway.url}/seeds/ping`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ping),
  });
  expect(status).toBe(200);
  swob.kill('SIGTERM');
  await swob.exit;
  const content = () =>
    vi.waitFor(async () => {
      const { code, stdout } = await runSwob(['doctor', 'gateway', '--json'], options);
      expect(stdout).not.toContain('the check ran out of time');
      const { findings }: { findings: { check: string; state: string; detail: string }[] } =
        JSON.parse(stdout);
      return { code, found: findings.filter(({ check }) => check === 'store content') };
    });
  expect(await content()).toMatchObject({ code: 0, found: [{ state: 'ok' }] });

  const seeds = join(installation.data, 'seeds');
  const [part = ''] = readdirSync(seeds);
  const [name = ''] = readdirSync(join(seeds, part));
  const file = join(seeds, part, name);
  writeFileSync(file, '{"record":');
  expect(await content()).toMatchObject({
    code: 0,
    found: [{ state: 'warn', detail: expect.stringContaining(`${file} is damaged`) }],
  });
  mkdirSync(join(installation.data, 'users', 'aa'), { recursive: true });
  writeFileSync(join(installation.data, 'users', 'aa', 'x.json'), '');
  expect((await content()).code).toBe(1);
  rmSync(join(installation.data, 'users'), { recursive: true });

  writeFileSync(join(installation.data, 'meta.json'), '{"format"');
  expect(await content()).toMatchObject({
    code: 1,
    found: [
      {
        state: 'fail',
        detail: expect.stringContaining(`${join(installation.data, 'meta.json')} is damaged`),
      },
    ],
  });
});

test('doctor reports every file that it may not read and continues', async (context) => {
  needs(context, { command: 'setpriv' });
  const installation = await createFixedPortInstallation({ keys: false });
  const keys = ['public.pem', 'private.pem', 'admin.token', 'tls.crt', 'tls.key', 'operators.json'];
  for (const name of keys) writeFileSync(join(installation.folder, name), 'x', { mode: 0o000 });
  mkdirSync(installation.data, { mode: 0o000 });
  const file = (name: string): string => join(installation.folder, name);
  const args = [
    ...['doctor', '--json', '-c', installation.conf],
    ...set(
      `security.public_key_filepath=${file('public.pem')}`,
      `security.private_key_filepath=${file('private.pem')}`,
      `security.admin_token_filepath=${file('admin.token')}`,
      `api_ssl.crt=${file('tls.crt')}`,
      `api_ssl.key=${file('tls.key')}`,
      `seeds.operators_file=${file('operators.json')}`,
      `store.url=file:${installation.data}`,
    ),
  ];
  // Root can read a file of any mode unless it drops these capabilities.
  const capabilities = '-dac_override,-dac_read_search';
  const asOwner =
    process.getuid?.() === 0 ? [`--inh-caps=${capabilities}`, `--bounding-set=${capabilities}`] : [];
  const command = [...asOwner, process.execPath, swobScript, ...args];
  const { stdout } = await runProcess('setpriv', command, { cwd: '/', env: portsOf(installation) });
  chmodSync(installation.data, 0o700);
  const { findings }: { findings: { check: string; state: string; detail: string; advice?: string }[] } =
    JSON.parse(stdout);
  for (const check of ['gateway key', 'admin token', '[api_ssl]', 'operators file', 'store folder']) {
    expect(findings.filter((finding) => finding.check === check)).toMatchObject([
      {
        state: 'fail',
        detail: expect.stringContaining('EACCES'),
        advice: expect.stringMatching(/the user of the service/),
      },
    ]);
  }
  expect(findings.find(({ check }) => check === 'port of gateway')?.state).toBe('ok');
});

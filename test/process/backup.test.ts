// A backup taken while swob runs and restored elsewhere, as docs/operating.md describes.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { runProcess, runSwob, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createInstallation, inspectStore, portOf } from './installation.ts';

const msisdn = '+237650393369';

test('a copy of the data folder taken under load contains everything acknowledged before the copy', async (context) => {
  needs(context, { command: 'tar' });
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, mode: 'refuse' });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const installation = await createInstallation({
    extra: [
      `[publisher]\nport = ${portOf(publisher.url)}\nmax_pause = 1s\nretry_pause = 1s`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
    ].join('\n'),
  });
  const first = await startSwob(['serve'], { cwd: installation.folder });
  // Otherwise it exists once the file of a pairing has been written.
  await mkdir(join(installation.data, 'users'));
  const { url } = first.ready.gateway;
  const key = await pair(
    handshakeUrlOf(url, await openSession(url, 'alice')),
    createPhone(),
    'correct horse',
  );
  const send = (gateway: string, message: string) =>
    post(`${gateway}/sms/platform/gateway-client`, { text: encryptAsApp(key, message), MSISDN: msisdn });
  const ping = (IMSI: string) => post(`${url}/seeds/ping`, { IMSI, MSISDN: msisdn, seed_type: 'seed' });
  for (let n = 0; n < 20; n++) {
    expect((await send(url, `g:before ${n}`)).status).toBe(202);
    expect((await ping(`before-${n}`)).status).toBe(200);
  }

  let loading = true;
  const load = (async () => {
    for (let n = 0; loading; n++) await Promise.all([send(url, `g:during ${n}`), ping(`during-${n % 50}`)]);
  })();
  const backup = join(installation.folder, 'backup.tar');
  const options = ['--sort=name', '--exclude=lock.*', '--exclude=.lock-*', '--verbose'];
  const saved = await runProcess('tar', ['-C', installation.data, ...options, '-cf', backup, '.'], {
    cwd: installation.folder,
  });
  loading = false;
  await load;
  // Exit code 1: a file changed while tar read it. The store reads it in full, or drops its torn last line.
  expect([0, 1], saved.stderr).toContain(saved.code);
  // A message or pairing that moves during the copy is copied at its new place, which tar reads later.
  const copied = saved.stdout.split('\n');
  const places = ['./attempts-inbound/', './inbound/', './user-journal/', './users/'];
  expect(copied.filter((name) => places.includes(name))).toEqual(places);
  first.kill('SIGKILL');
  await first.exit;

  const restored = join(installation.folder, 'restored');
  await mkdir(restored);
  expect((await runProcess('tar', ['-C', restored, '-xf', backup], { cwd: installation.folder })).code).toBe(
    0,
  );
  publisher.setMode('normal');
  const settings = [
    `store.url=file:${restored}`,
    `security.public_key_filepath=${join(restored, 'security', 'public.pem')}`,
    `security.private_key_filepath=${join(restored, 'security', 'private.pem')}`,
    `security.admin_token_filepath=${join(restored, 'security', 'admin.token')}`,
  ].flatMap((setting) => ['--set', setting]);
  const second = await startSwob(['serve', ...settings], { cwd: installation.folder });
  const gateway = second.ready.gateway.url;
  const arrived = () => publisher.messages().filter(({ message }) => message.startsWith('g:before'));
  await expect.poll(() => arrived().length).toBe(20);
  // Alice's key was restored, so swob can decrypt the SMS that her phone sends.
  expect((await send(gateway, 'g:after')).status).toBe(200);
  const failed = await runSwob(['sms', 'failed', '--json', '--url', gateway, ...settings], {
    cwd: installation.folder,
  });
  expect(failed).toMatchObject({ code: 0, stdout: '[]\n' });
  second.kill('SIGTERM');
  await second.exit;
  await inspectStore(restored, async (store) => {
    for (let n = 0; n < 20; n++) expect(await store.seeds.get(`before-${n}`)).toMatchObject({ msisdn });
  });
});

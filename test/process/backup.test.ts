// A backup that is taken while swob works, and restored elsewhere, as docs/operating.md says.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { runProcess, runSwob, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createWorld, inspectStore, portOf } from './world.ts';

const msisdn = '+237650393369';

test('a copy of the folder, taken in the middle of a load, holds all that was acknowledged before', async (context) => {
  needs(context, { command: 'tar' });
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local, mode: 'refuse' });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const world = await createWorld({
    extra: [
      `[publisher]\nport = ${portOf(publisher.url)}\nmax_pause = 1s`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
    ].join('\n'),
  });
  const first = await startSwob(['serve'], { cwd: world.folder });
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
  const backup = join(world.folder, 'backup.tar');
  const saved = await runProcess('tar', ['-C', world.data, '--exclude=lock.*', '-cf', backup, '.'], {
    cwd: world.folder,
  });
  loading = false;
  await load;
  // 1: a file changed while it was read; each is whole all the same, or its torn last line is cut off.
  expect([0, 1], saved.stderr).toContain(saved.code);
  first.kill('SIGKILL');
  await first.exit;

  const restored = join(world.folder, 'restored');
  await mkdir(restored);
  expect((await runProcess('tar', ['-C', restored, '-xf', backup], { cwd: world.folder })).code).toBe(0);
  publisher.setBehaviour('normal');
  const settings = [
    `store.url=file:${restored}`,
    `security.public_key_filepath=${join(restored, 'security', 'public.pem')}`,
    `security.private_key_filepath=${join(restored, 'security', 'private.pem')}`,
    `security.admin_token_filepath=${join(restored, 'security', 'admin.token')}`,
  ].flatMap((setting) => ['--set', setting]);
  const second = await startSwob(['serve', ...settings], { cwd: world.folder });
  const gateway = second.ready.gateway.url;
  const arrived = () => publisher.messages().filter(({ message }) => message.startsWith('g:before'));
  await expect.poll(() => arrived().length, { timeout: 20_000 }).toBe(20);
  // Alice's key is there: what her phone sends now can be read.
  expect((await send(gateway, 'g:after')).status).toBe(200);
  const failed = await runSwob(['sms', 'failed', '--json', '--url', gateway, ...settings], {
    cwd: world.folder,
  });
  expect(failed).toMatchObject({ code: 0, stdout: '[]\n' });
  second.kill('SIGTERM');
  await second.exit;
  await inspectStore(restored, async (store) => {
    for (let n = 0; n < 20; n++) expect(await store.seeds.get(`before-${n}`)).toMatchObject({ msisdn });
  });
});

// docs/protocol.md, X7 with the real binary: damaged files, a full disk, a read-only one. It refuses to start or to
// acknowledge, says why, and keeps what was acknowledged before.

import {
  appendFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { runProcess, runSwob, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createPhone, get, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { createInstallation, type Installation, inspectStore } from './installation.ts';

const phone = createPhone();

async function pairPhone(gateway: string, userId = 'alice', password = 'correct horse'): Promise<string> {
  return pair(handshakeUrlOf(gateway, await openSession(gateway, userId)), phone, password);
}

function ping(gateway: string, imsi: string) {
  return post(`${gateway}/seeds/ping`, { IMSI: imsi, MSISDN: '+237650000000', seed_type: 'seed' });
}

let filled: { readonly copy: string; readonly sharedKey: string } | undefined;
afterAll(() => filled && rm(filled.copy, { recursive: true }));

/** A store with a paired user and an active seed that no process has open. */
async function createFilledInstallation(): Promise<Installation & { readonly sharedKey: string }> {
  const installation = await createInstallation();
  if (filled) {
    await cp(filled.copy, installation.data, { recursive: true, preserveTimestamps: true });
    return { ...installation, sharedKey: filled.sharedKey };
  }
  const swob = await startSwob(['serve'], { cwd: installation.folder });
  const sharedKey = await pairPhone(swob.ready.gateway.url);
  expect((await ping(swob.ready.gateway.url, '111')).status).toBe(200);
  swob.kill('SIGTERM');
  await swob.exit;
  filled = { copy: await mkdtemp(join(tmpdir(), 'swob-filled-')), sharedKey };
  await cp(installation.data, filled.copy, { recursive: true, preserveTimestamps: true });
  return { ...installation, sharedKey };
}

/** The only record of a kind. */
async function recordOf(data: string, kind: 'users' | 'seeds'): Promise<string> {
  const names = await readdir(join(data, kind), { recursive: true });
  const found = names.filter((name) => name.endsWith('.json'));
  expect(found).toHaveLength(1);
  return join(data, kind, found[0] ?? '');
}

const damages: Record<string, (file: string) => Promise<void>> = {
  'cut short': async (file) => truncate(file, (await readFile(file)).length - 2),
  empty: (file) => truncate(file, 0),
};

for (const [damage, apply] of Object.entries(damages)) {
  test(`does not start when meta.json is ${damage}, and does not change it`, async () => {
    const { folder, data } = await createFilledInstallation();
    const file = join(data, 'meta.json');
    await apply(file);
    const before = await readFile(file);
    const { code, stdout, stderr } = await runSwob(['serve'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toContain(`swob: ${file} is damaged`);
    expect(await readFile(file)).toEqual(before);
    // A retry fails because of the file, not because of a lock.
    expect((await runSwob(['serve'], { cwd: folder })).stderr).toContain(`swob: ${file} is damaged`);
  });

  test(`the next ping restores lps.json and a seed that are ${damage}, and a user who is cannot pair again`, async () => {
    const { folder, data } = await createFilledInstallation();
    const restored = [await recordOf(data, 'seeds'), join(data, 'lps.json')];
    const user = await recordOf(data, 'users');
    for (const file of [...restored, user]) await apply(file);
    const before = await readFile(user);
    const { ready, waitForOutput } = await startSwob(['serve'], { cwd: folder });
    expect((await ping(ready.gateway.url, '111')).status).toBe(200);
    for (const file of restored) await waitForOutput('stderr', `${file} is damaged`);
    expect(await readdir(join(data, 'damaged'))).toHaveLength(2);

    await expect(pairPhone(ready.gateway.url)).rejects.toThrow('password: 503');
    await waitForOutput('stderr', `${user} is damaged`);
    expect(await readFile(user)).toEqual(before);
    expect(await pairPhone(ready.gateway.url, 'bob', 'battery staple')).toMatch(/^[0-9a-f]{32}$/);
  });
}

test('refuses the folder of another program', async () => {
  const { folder, data } = await createInstallation({ keys: false });
  await mkdir(data);
  await writeFile(join(data, 'accounts.db'), 'precious');
  const { code, stderr } = await runSwob(['serve'], { cwd: folder });
  expect(code).toBe(78);
  expect(stderr).toContain('accounts.db');
  expect(await readdir(data)).toEqual(['accounts.db']);
});

test('a file in place of the store folder is reported', async () => {
  const { folder, data } = await createInstallation({ keys: false });
  await writeFile(data, '');
  const { code, stderr } = await runSwob(
    [
      'serve',
      ...['public', 'private'].flatMap((key) => ['--set', `security.${key}_key_filepath=${key}.pem`]),
    ],
    { cwd: folder },
  );
  expect(code).toBe(78);
  expect(stderr).toContain(`swob: cannot make the store's folder ${data}`);
  expect(stderr).toContain('; set [store] url to a folder that swob can create and write');
});

test('acknowledges nothing while writes fail, and recovers when they succeed again', async () => {
  const { folder, data, sharedKey } = await createFilledInstallation();
  const swob = await startSwob(['serve'], { cwd: folder });
  const gateway = swob.ready.gateway.url;
  await rename(join(data, 'seeds'), join(data, 'seeds.away'));
  await writeFile(join(data, 'seeds'), 'in the way');
  const refused = await ping(gateway, '222');
  // Clients see the reason; only the operator sees the path.
  expect(refused).toMatchObject({
    status: 503,
    text: expect.stringMatching(/^the store cannot be used now \(E\w+\)$/),
  });
  await swob.waitForOutput('stderr', join(data, 'seeds'));
  // Requests that need no write are served.
  const newKey = await pairPhone(gateway);
  expect(newKey).not.toBe(sharedKey);

  await rm(join(data, 'seeds'));
  await rename(join(data, 'seeds.away'), join(data, 'seeds'));
  expect((await ping(gateway, '333')).status).toBe(200);
  swob.kill('SIGTERM');
  expect(await swob.exit).toEqual({ code: null, signal: 'SIGTERM' });
  await inspectStore(data, async ({ users, seeds }) => {
    expect((await users.get('alice'))?.sharedKey).toBe(newKey);
    expect(await seeds.get('222')).toBeUndefined();
    expect(await seeds.get('333')).toBeDefined();
  });
});

/** A small file system at `data`, unmounted when the test ends. */
async function mountAt({ folder, data }: Installation, size: string): Promise<void> {
  await mkdir(data, { recursive: true });
  const args = ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', data];
  expect(await runProcess('mount', args, { cwd: folder })).toMatchObject({ code: 0 });
  onTestFinished(async () => {
    await runProcess('umount', ['--lazy', data], { cwd: '/' });
  });
}

/** Takes the pages that are left: a failed write frees those of its file. */
async function fillRest(folder: string): Promise<void> {
  const page = Buffer.alloc(4_096);
  const write = async (): Promise<void> => {
    for (let pages = 0; pages < 1_000; pages++) await appendFile(join(folder, 'filler'), page);
  };
  await expect(write()).rejects.toMatchObject({ code: 'ENOSPC' });
}

test('keeps everything acknowledged when the disk fills up, and refuses the rest', async (context) => {
  needs(context, { mounts: true });
  const installation = await createInstallation({ keys: false });
  await mountAt(installation, '256k');
  const swob = await startSwob(['serve'], { cwd: installation.folder });
  const kept: string[] = [];
  const bound = 200;
  for (let n = 0; n < bound; n++) {
    const { status, text } = await ping(swob.ready.gateway.url, `imsi-${n}`);
    if (status === 200) kept.push(`imsi-${n}`);
    else {
      expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining('ENOSPC') });
      break;
    }
  }
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThan(bound);
  await fillRest(installation.data);
  await expect(pairPhone(swob.ready.gateway.url)).rejects.toThrow('password: 503');
  // A good result is cached.
  await expect
    .poll(() => get(`${swob.ready.gateway.url}/readyz`))
    .toMatchObject({ status: 503, text: expect.stringMatching(/"store":{"ok":false/) });
  swob.kill('SIGKILL');
  await swob.exit;

  // On a full disk it does not start and says why.
  const full = await runSwob(['serve'], { cwd: installation.folder });
  expect(full.code).toBe(75);
  expect(full.stderr).toContain('ENOSPC');
  await runProcess('mount', ['-o', 'remount,size=4m', installation.data], { cwd: installation.folder });
  await inspectStore(installation.data, async ({ seeds, users }) => {
    for (const imsi of kept) expect(await seeds.get(imsi)).toMatchObject({ imsi });
    expect(await seeds.get(`imsi-${kept.length}`)).toBeUndefined();
    expect(await users.get('alice')).toBeUndefined();
  });
  const again = await startSwob(['serve'], { cwd: installation.folder });
  expect(await pairPhone(again.ready.gateway.url)).toMatch(/^[0-9a-f]{32}$/);
});

test('does not start on a read-only disk, and does not write to one that becomes read-only', async (context) => {
  needs(context, { mounts: true });
  const installation = await createInstallation();
  await mountAt(installation, '1m');
  const before = await startSwob(['serve'], { cwd: installation.folder });
  const sharedKey = await pairPhone(before.ready.gateway.url);
  before.kill('SIGTERM');
  await before.exit;
  const first = await startSwob(['serve'], { cwd: installation.folder });
  // Remounting fails while a file is open for writing, as after a ping or a pairing.
  const remount = ['-o', 'remount,ro', installation.data];
  expect(await runProcess('mount', remount, { cwd: installation.folder })).toMatchObject({ code: 0 });
  const refused = await ping(first.ready.gateway.url, '222');
  expect(refused).toMatchObject({ status: 503, text: expect.stringContaining('EROFS') });
  await expect(pairPhone(first.ready.gateway.url)).rejects.toThrow('password: 503');
  first.kill('SIGKILL');
  await first.exit;

  const second = await runSwob(['serve'], { cwd: installation.folder });
  expect(second.code).toBe(78);
  expect(second.stderr).toContain('EROFS');
  await runProcess('mount', ['-o', 'remount,rw', installation.data], { cwd: installation.folder });
  await inspectStore(installation.data, async ({ users }) => {
    expect((await users.get('alice'))?.sharedKey).toBe(sharedKey);
  });
});

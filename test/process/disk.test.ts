// HOSTILE.md X7 through the binary: damaged files, a full disk, a read-only one. It refuses to start or to
// acknowledge, says why, and keeps what was acknowledged before.

import { mkdir, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runProcess, runSwob, startSwob } from '../support/binary.ts';
import { needs } from '../support/needs.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { createWorld, inspectStore, type World } from './world.ts';

const phone = createPhone();

async function pairPhone(gateway: string, userId = 'alice', password = 'correct horse'): Promise<string> {
  return pair(handshakeUrlOf(gateway, await openSession(gateway, userId)), phone, password);
}

function ping(gateway: string, imsi: string) {
  return post(`${gateway}/seeds/ping`, { IMSI: imsi, MSISDN: '+237650000000', seed_type: 'seed' });
}

/** A store that has a paired user and an active seed, and no process. */
async function filledWorld(): Promise<World & { readonly sharedKey: string }> {
  const world = await createWorld();
  const swob = await startSwob(['serve'], { cwd: world.folder });
  const sharedKey = await pairPhone(swob.ready.gateway.url);
  expect((await ping(swob.ready.gateway.url, '111')).status).toBe(200);
  swob.kill('SIGTERM');
  await swob.exit;
  return { ...world, sharedKey };
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
  'no JSON': (file) => writeFile(file, '\u0000\u0000\u0000\u0000'),
  'of another kind': (file) => writeFile(file, '[]'),
};

for (const [damage, apply] of Object.entries(damages)) {
  for (const name of ['meta.json', 'lps.json', 'a seed that pinged lately'] as const) {
    test(`does not start when ${name} is ${damage}, and leaves it as it is`, async () => {
      const { folder, data } = await filledWorld();
      const file = name.endsWith('.json') ? join(data, name) : await recordOf(data, 'seeds');
      await apply(file);
      const before = await readFile(file);
      const { code, stdout, stderr } = await runSwob(['serve'], { cwd: folder });
      expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
      expect(stderr).toContain(`swob: ${file} is damaged`);
      expect(await readFile(file)).toEqual(before);
      // It can be tried again at once: the answer is the file, not a lock.
      expect((await runSwob(['serve'], { cwd: folder })).stderr).toContain(`swob: ${file} is damaged`);
    });
  }

  test(`a user whose record is ${damage} is not paired anew over it, and others are served`, async () => {
    const { folder, data } = await filledWorld();
    const file = await recordOf(data, 'users');
    await apply(file);
    const before = await readFile(file);
    const { ready, stderr } = await startSwob(['serve'], { cwd: folder });
    await expect(pairPhone(ready.gateway.url)).rejects.toThrow('password: 503');
    expect(stderr()).toContain(`${file} is damaged`);
    expect(await readFile(file)).toEqual(before);
    expect(await pairPhone(ready.gateway.url, 'bob', 'battery staple')).toMatch(/^[0-9a-f]{32}$/);
  });
}

test('does not take another program’s folder for its own', async () => {
  const { folder, data } = await createWorld();
  await mkdir(data);
  await writeFile(join(data, 'accounts.db'), 'precious');
  const { code, stderr } = await runSwob(['serve'], { cwd: folder });
  expect(code).toBe(78);
  expect(stderr).toContain('accounts.db');
  expect(await readdir(data)).toEqual(['accounts.db']);
});

test('a file in the place of the store’s folder is named', async () => {
  const { folder, data } = await createWorld();
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
});

test('while nothing can be written nothing is acknowledged, and once it can all goes on', async () => {
  const { folder, data, sharedKey } = await filledWorld();
  const swob = await startSwob(['serve'], { cwd: folder });
  const gateway = swob.ready.gateway.url;
  await rename(join(data, 'seeds'), join(data, 'seeds.away'));
  await writeFile(join(data, 'seeds'), 'in the way');
  const refused = await ping(gateway, '222');
  // The reason is for anyone, the place for the operator.
  expect(refused).toMatchObject({
    status: 503,
    text: expect.stringMatching(/^the store cannot be used now \(E\w+\)$/),
  });
  expect(swob.stderr()).toContain(join(data, 'seeds'));
  // What is not concerned is served.
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

/** A small file system at `data`, gone when the test ends. */
async function mountAt({ folder, data }: World, size: string): Promise<void> {
  await mkdir(data, { recursive: true });
  const args = ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', data];
  expect(await runProcess('mount', args, { cwd: folder })).toMatchObject({ code: 0 });
  onTestFinished(async () => {
    await runProcess('umount', ['--lazy', data], { cwd: '/' });
  });
}

test('a disk that fills up: what was acknowledged is there, the rest was refused', async (context) => {
  needs(context, { mounts: true });
  const world = await createWorld();
  await mountAt(world, '256k');
  const swob = await startSwob(['serve'], { cwd: world.folder });
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
  await expect(pairPhone(swob.ready.gateway.url)).rejects.toThrow('password: 503');
  swob.kill('SIGKILL');
  await swob.exit;

  // Full, it does not start, and says why.
  const full = await runSwob(['serve'], { cwd: world.folder });
  expect(full.code).toBe(75);
  expect(full.stderr).toContain('ENOSPC');
  await runProcess('mount', ['-o', 'remount,size=4m', world.data], { cwd: world.folder });
  await inspectStore(world.data, async ({ seeds, users }) => {
    for (const imsi of kept) expect(await seeds.get(imsi)).toMatchObject({ imsi });
    expect(await seeds.get(`imsi-${kept.length}`)).toBeUndefined();
    expect(await users.get('alice')).toBeUndefined();
  });
  const again = await startSwob(['serve'], { cwd: world.folder });
  expect(await pairPhone(again.ready.gateway.url)).toMatch(/^[0-9a-f]{32}$/);
});

test('a read-only disk: it does not start on it, and one that becomes so is not written to', async (context) => {
  needs(context, { mounts: true });
  const world = await createWorld();
  await mountAt(world, '1m');
  const first = await startSwob(['serve'], { cwd: world.folder });
  expect((await ping(first.ready.gateway.url, '111')).status).toBe(200);
  await runProcess('mount', ['-o', 'remount,ro', world.data], { cwd: world.folder });
  const refused = await ping(first.ready.gateway.url, '222');
  expect(refused).toMatchObject({ status: 503, text: expect.stringContaining('EROFS') });
  first.kill('SIGKILL');
  await first.exit;

  const second = await runSwob(['serve'], { cwd: world.folder });
  expect(second.code).toBe(78);
  expect(second.stderr).toContain('EROFS');
  await runProcess('mount', ['-o', 'remount,rw', world.data], { cwd: world.folder });
  await inspectStore(world.data, async ({ seeds }) => expect(await seeds.get('111')).toBeDefined());
});

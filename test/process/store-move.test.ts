// Moving a store from a folder to Redis, and back, with the real binary.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { ArchivedRecord } from '../../src/store/archive/archive.ts';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { user } from '../contract/store.ts';
import { fileOf } from '../support/archives.ts';
import { runSwob, startProcess, startSwob, swobScript } from '../support/binary.ts';
import { filesIn, temporaryFolder } from '../support/folders.ts';
import { createPhone, handshakeUrlOf, openSession, pair, post } from '../support/phone.ts';
import { redisForFile } from '../support/redis.ts';
import { encryptAsApp } from '../support/sms.ts';
import { createInstallation, portOf } from './installation.ts';

const redis = redisForFile({ appendfsync: 'no' });
const msisdn = '+237650393369';

const manyUsers = (count: number): ArchivedRecord[] =>
  Array.from({ length: count }, (_, n) => ({ kind: 'users', record: { ...user, userId: `user ${n}` } }));
const linesIn = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(1, -2).toSorted();

test('a phone that paired with a store in a folder is paired in Redis, and waiting messages are delivered from there', async () => {
  const local = { host: '127.0.0.1', port: 0 };
  const publisher = await startPublisherStub({ ...local });
  const developer = await startDeveloperStub({ ...local, numbers: new Map([[msisdn, 'alice']]) });
  onTestFinished(async () => void (await Promise.all([publisher.close(), developer.close()])));
  const { folder } = await createInstallation({
    extra: [
      `[publisher]\nport = ${portOf(publisher.url)}\nretry_pause = 1s`,
      `[backend_publisher]\nport = ${portOf(developer.url)}`,
    ].join('\n'),
  });
  const cwd = { cwd: folder };
  const toRedis = ['--set', `store.url=${redis().url}`, '--set', 'store.prefix=moved'];
  const send = (url: string, text: string) =>
    post(`${url}/sms/platform/gateway-client`, { text, MSISDN: msisdn });

  const first = await startSwob(['serve'], cwd);
  const old = first.ready.gateway.url;
  const key = await pair(
    handshakeUrlOf(old, await openSession(old, 'alice')),
    createPhone(),
    'correct horse',
  );
  await post(`${old}/seeds/ping`, { IMSI: '624010000000001', MSISDN: msisdn, seed_type: 'seed' });
  const published = encryptAsApp(key, 'g:published before');
  expect((await send(old, published)).status).toBe(200);
  publisher.setMode('refuse');
  expect((await send(old, encryptAsApp(key, 'g:waits'))).status).toBe(202);

  const locked = await runSwob(['store', 'export', 'backup.jsonl'], cwd);
  expect(locked.code).toBe(75);
  expect(locked.stderr).toContain(`is in use by pid ${first.pid} on host`);
  first.kill('SIGTERM');
  await first.exit;

  expect(await runSwob(['store', 'export', 'backup.jsonl'], cwd)).toMatchObject({ code: 0, stdout: '' });
  expect(statSync(join(folder, 'backup.jsonl')).mode & 0o777).toBe(0o600);
  const imported = await runSwob(['store', 'import', 'backup.jsonl', '--json', ...toRedis], cwd);
  expect(imported.code, imported.stderr).toBe(0);
  expect(JSON.parse(imported.stdout)).toMatchObject({
    counts: { seeds: 1, users: 1, inbound: 1, receipts: 1 },
    changed: 0,
  });
  expect((await runSwob(['store', 'export', 'unchanged.jsonl', ...toRedis], cwd)).code).toBe(0);
  expect(linesIn(join(folder, 'unchanged.jsonl'))).toEqual(linesIn(join(folder, 'backup.jsonl')));

  publisher.setMode('normal');
  const second = await startSwob(['serve', ...toRedis], cwd);
  const { url } = second.ready.gateway;
  expect((await send(url, encryptAsApp(key, 'g:after'))).status).toBe(200);
  // Its receipt was imported, so the Publisher does not get it again.
  expect((await send(url, published)).status).toBe(200);
  const messages = () => publisher.messages().map(({ message }) => message);
  await expect.poll(() => messages().toSorted()).toEqual(['g:after', 'g:published before', 'g:waits']);
  // Nodes may run while Redis is exported and while an archive is merged.
  expect((await runSwob(['store', 'export', 'again.jsonl', ...toRedis], cwd)).code).toBe(0);
  const refused = await runSwob(['store', 'import', 'backup.jsonl', ...toRedis], cwd);
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain('1 seed, 1 user');
  expect((await runSwob(['store', 'import', 'again.jsonl', '--merge', ...toRedis], cwd)).code).toBe(0);
  second.kill('SIGTERM');
  await second.exit;
});

/** A folder in which an import of `file` was killed in the middle: again in a new one where the kill came too late. */
async function killedImport(file: string, count: number): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'many.jsonl'), file);
    const args = [swobScript, 'store', 'import', 'many.jsonl'];
    const killed = startProcess(process.execPath, args, { cwd: folder });
    const written = async () =>
      (await filesIn(join(folder, 'data', 'users')).catch(() => [])).filter((name) => name.endsWith('.json'));
    await vi.waitFor(async () => expect((await written()).length).toBeGreaterThan(100), { interval: 5 });
    killed.kill('SIGKILL');
    await killed.exit;
    if ((await written()).length < count) return folder;
    if (attempt === 5) throw new Error('each import ended before it was killed');
  }
}

test('an import that was killed in the middle is finished by another one', async () => {
  const count = 3_000;
  const folder = await killedImport(await fileOf(manyUsers(count)), count);
  const cwd = { cwd: folder };

  const refused = await runSwob(['store', 'import', 'many.jsonl'], cwd);
  expect(refused.code).toBe(78);
  expect(refused.stderr).toContain('--merge adds the records of the file');
  const merged = await runSwob(['store', 'import', 'many.jsonl', '--merge'], cwd);
  expect(merged).toMatchObject({ code: 0, stderr: expect.stringContaining(`imported ${count} users`) });
  expect((await runSwob(['store', 'export', 'out.jsonl'], cwd)).code).toBe(0);
  expect(linesIn(join(folder, 'out.jsonl'))).toEqual(linesIn(join(folder, 'many.jsonl')));
});

test('an interrupted export leaves no file', async () => {
  const folder = temporaryFolder();
  const cwd = { cwd: folder };
  writeFileSync(join(folder, 'many.jsonl'), await fileOf(manyUsers(8_000)));
  const set = ['--set', `store.url=${redis().url}`, '--set', 'store.prefix=many'];
  const imported = await runSwob(['store', 'import', 'many.jsonl', ...set], cwd);
  expect(imported.code, imported.stderr).toBe(0);
  const exporting = startProcess(process.execPath, [swobScript, 'store', 'export', 'out.jsonl', ...set], cwd);
  await vi.waitFor(
    () => {
      const halves = readdirSync(folder).filter((name) => /^out\.jsonl\.\w+\.tmp$/.test(name));
      expect(halves.map((name) => statSync(join(folder, name)).size > 0)).toEqual([true]);
    },
    { timeout: 20_000, interval: 5 },
  );
  exporting.kill('SIGINT');
  expect(await exporting.exit).toMatchObject({ code: 130 });

  expect(readdirSync(folder)).toEqual(['many.jsonl']);
});

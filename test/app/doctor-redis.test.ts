// The findings of `swob doctor` about Redis, and the connection options from the configuration.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/app/system-clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { redisOptions } from '../../src/store/redis/connection-options.ts';
import { checkNodeNames, checkRedis } from '../../src/store/redis/findings.ts';
import { inspectRedis } from '../../src/store/redis/inspect.ts';
import { parseRedisUrl } from '../../src/store/redis/url.ts';
import { configFile } from '../support/config-files.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';
import { freePort } from '../support/ports.ts';
import { redisForFile } from '../support/redis.ts';

const server = redisForFile({ password: 'hunter2', appendfsync: 'always' });

function configured(...settings: string[]) {
  const overrides = settings.map((setting) => `store.${setting}`);
  const { config } = loadConfig({ files: [configFile('')], env: {}, setOptions: overrides });
  return { config, url: parseRedisUrl(config.store.url) };
}

async function states(...settings: string[]): Promise<string[]> {
  const { config, url } = configured(...settings);
  const findings = await inspectRedis(config, url, systemClock);
  expect(JSON.stringify(findings)).not.toContain('hunter');
  return findings.map(({ state, detail }) => `${state}: ${detail}`);
}

test('a server that persists every write passes; one that evicts keys fails', async () => {
  const { port, url } = server();
  const well = [
    expect.stringMatching(new RegExp(`^ok: 127.0.0.1:${port}, Redis \\d+\\.\\d+\\.\\d+, 0 replica\\(s\\)$`)),
    `ok: 127.0.0.1:${port} syncs every write to disk before it acknowledges it`,
    `ok: 127.0.0.1:${port} evicts nothing`,
    'ok: a durable write succeeds',
  ];
  expect(await states(`url=${url}`)).toEqual(well);
  await server().call('config', 'set', 'maxmemory-policy', 'allkeys-lru');
  await server().call('config', 'set', 'appendfsync', 'everysec');
  expect(await states(`url=${url}`, 'replicas=1')).toEqual([
    expect.stringMatching(/^fail: .*0 replica\(s\); \[store\] replicas requires 1$/),
    expect.stringMatching(/^warn: .*a power failure can lose the last two seconds of acknowledged writes$/),
    expect.stringMatching(/^fail: .*allkeys-lru: it evicts registrations and keys when it is full$/),
    expect.stringMatching(/^fail: .*has written it, but 0 of 1 replicas have it/),
  ]);
});

test('a server that refuses writes fails, also when our user may not read its state', async () => {
  const { port, call } = server();
  await call('acl', 'setuser', 'plain', 'on', '>hunter3', '~*', '+@all', '-config', '-info');
  const url = `url=redis://plain:hunter3@127.0.0.1:${port}`;
  const writes = async () => (await states(url)).at(-1);
  await call('config', 'set', 'maxmemory', '1');
  expect(await writes()).toMatch(/^fail: Redis at .* is out of memory: raise its maxmemory$/);
  await call('config', 'set', 'maxmemory', '0');
  await call('config', 'set', 'min-replicas-to-write', '1');
  expect(await writes()).toMatch(/^fail: Redis at .* has too few replicas \(min-replicas-to-write\)/);
  await call('config', 'set', 'min-replicas-to-write', '0');
  await call('acl', 'setuser', 'plain', '-set');
  expect(await writes()).toMatch(/^fail: Redis at .* does not let our user do this/);
});

test('a user without permission, a wrong password, and no server', async () => {
  await server().call('acl', 'setuser', 'plain', 'on', '>hunter3', '~*', '+@all', '-config', '-info');
  const { port } = server();
  expect(await states(`url=redis://plain:hunter3@127.0.0.1:${port}`)).toEqual([
    expect.stringMatching(/^ok: .*of an unknown version/),
    expect.stringMatching(/^warn: .*does not let our user read its configuration/),
    expect.stringMatching(/^warn: .*does not let our user read its configuration/),
    'ok: a durable write succeeds',
  ]);
  expect(await states(`url=redis://127.0.0.1:${port}`, 'password=hunter4')).toEqual([
    expect.stringMatching(/^fail: .*refuses our user or password/),
  ]);
  expect(await states(`url=redis://127.0.0.1:${await freePort()}`)).toEqual([
    expect.stringMatching(/^fail: .*cannot be reached \(ECONNREFUSED\)/),
  ]);
});

test.each([
  ['no', undefined, 'or all data'],
  ['yes', 'no', '30 seconds or more'],
])('appendonly %s, appendfsync %s: says what a crash can lose', (appendonly, appendfsync, lost) => {
  const facts = { name: 'a:1', version: '7.0.0', replicas: 0, maxmemoryPolicy: 'noeviction' };
  const [, persistence] = checkRedis({ ...facts, appendonly, appendfsync }, 0);
  expect(persistence).toMatchObject({ state: 'warn', detail: expect.stringContaining(lost) });
});

test('password and certificates are read from files', async () => {
  const [file, empty] = ['password', 'empty'].map((name) => join(temporaryFolder(), name));
  writeFileSync(String(file), 'hunter2 \n');
  writeFileSync(String(empty), '\n');
  const of = (...settings: string[]) => {
    const { config, url } = configured(...settings);
    return redisOptions(config, url, { clock: systemClock, log: createMemoryLog() });
  };
  expect(await of('url=rediss://me@a', `password_file=${file}`, `ca=${file}`)).toMatchObject({
    user: 'me',
    password: 'hunter2 ',
    tls: { ca: 'hunter2 \n' },
    timeoutMs: 2_000,
  });
  expect(await of('url=redis+sentinel://a/m', 'sentinel_password=x')).toMatchObject({
    mode: 'sentinel',
    master: 'm',
    password: undefined,
    sentinelPassword: 'x',
    tls: undefined,
  });
  await expect(of('url=redis://a', `password_file=${empty}`)).rejects.toMatchObject({ code: 'CONFIG' });
  await expect(of('url=redis://a', 'password_file=/nowhere')).rejects.toThrow(
    'cannot read [store] password_file: ENOENT',
  );
});

test('two processes with one name are found', () => {
  const state = {
    instance: 'i',
    version: '1',
    services: [],
    startedAt: 1,
    loopDelayMs: 0,
    sockets: 0,
    memory: 0,
  };
  const node = { name: 'a', ageMs: 1, state: { ...state, health: [], savedAt: 0, tail: '' } };
  expect(checkNodeNames([node])).toEqual([]);
  const renamed = { ...node, name: 'a~1', state: { ...node.state, duplicateOf: 'a' } };
  expect(checkNodeNames([node, renamed])).toMatchObject([{ check: 'node names', state: 'warn' }]);
});

// The commands of docs/many-machines.md, run as they are printed, with a real Redis; and what it says of configuration.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { freePorts } from '../support/ports.ts';
import { redisNeeds } from '../support/redis-server.ts';
import { openPage } from './page-commands.ts';

test('the page leads to two nodes that know what the other was told', {
  timeout: 60_000,
}, async (context) => {
  needs(context, ...redisNeeds);
  const [redisPort = 0, api = 0, websocket = 0, api2 = 0, websocket2 = 0, users = 0] = await freePorts(6);
  const ports = { 6379: redisPort, 6969: api, 6996: websocket, 6970: api2, 6997: websocket2, 9000: users };
  const { blocks, start, run, withPorts } = await openPage('docs/many-machines.md', ports, {
    SWOB_API_PORT: '6969',
    SWOB_WEBSOCKET_PORT: '6996',
    SWOB_USER_MANAGEMENT_API_API_URL: 'http://127.0.0.1:9000',
    SWOB_USER_MANAGEMENT_API_VERIFICATION_URL: 'http://127.0.0.1:9000/v2/users/%s/verify',
    SWOB_USER_MANAGEMENT_API_PLATFORMS_URL: 'http://127.0.0.1:9000/v2/users/%s/platforms',
  });
  const [redis = '', acl = '', first = '', second = '', stub = '', both = '', backup = '', ...more] =
    blocks.map(withPorts);
  expect(more).toEqual([]);
  // As the README begins.
  await run('npm run setup');
  await start(redis).until(/Ready to accept connections/);
  expect(await run(acl)).toBe('OK\n');
  await start(first).until(/sync ready at /);
  await start(second).until(/sync ready at /);
  await start(`${stub} --port ${users}`).until(/ready/);
  const told = await run(both);
  expect(told).toContain('+237650393369');
  expect(told).toMatch(/^[0-9a-f]{32}$/m);
  expect(await run(backup)).toContain('Transfer finished with success');
  // Nothing was refused.
  expect(await run(`redis-cli -p ${redisPort} acl log`)).toBe('\n');
});

test('the configuration of the page is one', () => {
  const page = readFileSync('docs/many-machines.md', 'utf8');
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, /^```ini\n(.*?)^```$/ms.exec(page)?.[1] ?? '');
  const { config } = loadConfig({ files: [file], env: {} });
  expect(config.store).toMatchObject({
    replicas: 1,
    user: 'swob',
    password_file: '/etc/swob/redis.password',
  });
  expect(config.api.trusted_proxies).toEqual(['10.0.0.10']);
  const urls = [...page.matchAll(/`(rediss?(?:\+\w+)?:\/\/[^`…]+)`/g)].map(([, url = '']) => url);
  expect(urls.length).toBeGreaterThanOrEqual(3);
  for (const url of urls)
    expect(() => loadConfig({ files: [], env: {}, overrides: [`store.url=${url}`] })).not.toThrow();
});

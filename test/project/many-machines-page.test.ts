// Runs the commands of docs/many-machines.md as printed, with a real Redis, and loads its configuration.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { storeRules } from '../../src/app/compose/store-adapters.ts';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { freePorts } from '../support/ports.ts';
import { redisNeeds } from '../support/redis-server.ts';
import { openPage } from './page-commands.ts';

test('the commands start two nodes that share their data, while npm start runs', async (context) => {
  needs(context, ...redisNeeds);
  const printed = [6380, 6969, 6996, 6970, 6997, 6971, 6998, 9000];
  const free = await freePorts(printed.length);
  const ports = Object.fromEntries(printed.map((port, index) => [port, free[index] ?? 0]));
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
  await start('npm start').until(/sync ready at /);
  await start(redis).until(/Ready to accept connections/);
  expect(await run(acl)).toBe('OK\n');
  await start(first).until(/sync ready at /);
  await start(second).until(/sync ready at /);
  await start(`${stub} --port ${ports[9000]}`).until(/ready/);
  const result = await run(both);
  expect(result).toContain('+237650393369');
  expect(result).toMatch(/^[0-9a-f]{32}$/m);
  expect(await run(backup)).toContain('Transfer finished with success');
  // The permissions suffice: Redis refused no command.
  expect(await run(`redis-cli -p ${ports[6380]} acl log`)).toBe('\n');
});

test('the configuration of the page loads', () => {
  const page = readFileSync('docs/many-machines.md', 'utf8');
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, /^```ini\n(.*?)^```$/ms.exec(page)?.[1] ?? '');
  const { config } = loadConfig({ files: [file], env: {} }, storeRules);
  expect(config.store).toMatchObject({
    replicas: 1,
    user: 'swob',
    password_file: '/etc/swob/redis.password',
  });
  expect(config.api.trusted_proxies).toEqual(['10.0.0.10']);
  const urls = [...page.matchAll(/`(rediss?(?:\+\w+)?:\/\/[^`…]+)`/g)].map(([, url = '']) => url);
  expect(urls.length).toBeGreaterThanOrEqual(3);
  for (const url of urls) storeRules.checkUrl(url);
});

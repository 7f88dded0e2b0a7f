// The servers of the Redis tests behave as those tests rely on.

import { expect, test } from 'vitest';
import { redisForFile } from '../support/redis.ts';
import { clusterForFile } from '../support/redis-cluster.ts';
import { sentinelForFile } from '../support/redis-sentinel.ts';

const redis = redisForFile({ appendfsync: 'always' });
const secured = redisForFile({ password: 'a password', tls: true });
const sentinels = sentinelForFile();
const cluster = clusterForFile();

test('a server keeps acknowledged writes through a power cut', async () => {
  await redis().cli('set', 'a', '1');
  await redis().kill();
  await expect(redis().cli('get', 'a')).rejects.toThrow();
  await redis().restart();
  expect(await redis().cli('get', 'a')).toBe('1');
  await redis().flush();
  expect(await redis().cli('dbsize')).toBe('0');
});

test('a server with a password and TLS accepts clients that have both', async () => {
  expect(secured().url).toMatch(/^rediss:\/\/:a%20password@127/);
  expect(await secured().cli('ping')).toBe('PONG');
});

test('Sentinels promote the replica, and accept the old master back', async () => {
  const [master, replica] = [await sentinels().master(), await sentinels().replica()];
  await master.cli('set', 'a', '1');
  await sentinels().failover();
  expect((await sentinels().master()).port).toBe(replica.port);
  await replica.cli('set', 'a', '2');
  await sentinels().repair();
  // Not which of the two is the master: on a busy machine one may seem unreachable, and they swap again.
  for (const server of [master, replica]) await expect.poll(() => server.cli('get', 'a')).toBe('2');
});

test('a cluster has a master for each key', async () => {
  const owners = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((key) => cluster().masterOf(key)));
  expect(new Set(owners.map(({ port }) => port)).size).toBeGreaterThan(1);
  expect(await owners[0]?.cli('set', 'a', '1')).toBe('OK');
});

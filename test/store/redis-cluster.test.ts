// The same contract in a cluster: keys that change together share a slot, and all others are spread.

import { expect, test } from 'vitest';
import { storeContract } from '../contract/store.ts';
import { sharedConnection } from '../support/redis-client.ts';
import { clusterForFile } from '../support/redis-cluster.ts';
import { contractStores, newPrefix, openRedisStore } from './redis/support.ts';

const cluster = clusterForFile();

const shared = sharedConnection(() => cluster().url);

storeContract('Redis Cluster', contractStores(shared));

test('spreads the sessions of many users over all masters, and keeps those of one user together', async () => {
  const prefix = newPrefix();
  const { store } = await openRedisStore(cluster(), { slots: 256, prefix });
  const users = Array.from({ length: 60 }, (_, n) => `user ${n}`);
  for (const userId of users) {
    await store.sessions.open(userId, 'first');
    expect(await store.sessions.rotate(userId, 'first', 'second')).toBe('rotated');
    expect(await store.sessions.attach(userId, 'first', 'socket')).toMatchObject({ sessionId: 'second' });
  }
  const masters = cluster().servers.slice(0, 3);
  const keys = await Promise.all(masters.map((server) => server.call('keys', `${prefix}:*:session:*`)));
  const counts = keys.map((names) => names.split('\n').length);
  expect(counts.reduce((sum, count) => sum + count)).toBe(60);
  for (const count of counts) expect(count).toBeGreaterThan(5);
});

// Redis on several machines: a new master is found without help, and durable writes have their replicas.

import { afterEach, expect, test, vi } from 'vitest';
import { slotOf } from '../../src/store/redis/connection/slots.ts';
import { connectTo, type TestConnection } from '../support/redis-client.ts';
import { clusterForFile } from '../support/redis-cluster.ts';
import { sentinelForFile } from '../support/redis-sentinel.ts';

const sentinels = sentinelForFile();
const cluster = clusterForFile();
const timeout = 25_000;
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];

afterEach(async () => {
  await Promise.all([sentinels().mend(), cluster().mend()]);
}, 60_000);

const set = ({ redis }: TestConnection, key: string, value: string) =>
  redis.run({ key, args: ['SET', key, value] });
const healed = (connection: TestConnection) =>
  vi.waitFor(
    async () => {
      for (const key of keys) await set(connection, key, 'healed');
      expect(connection.redis.state()).toBe('ok');
    },
    { timeout, interval: 50 },
  );

test.each(['kill', 'freeze'] as const)(
  'Sentinels: after %s of the master the new one is used',
  async (how) => {
    const connection = await connectTo(sentinels().url, { timeoutMs: 500 });
    const heard: string[] = [];
    await connection.redis.subscribe('news', (message) => heard.push(message)).confirmed;
    const master = await sentinels().master();
    await master[how]();
    await healed(connection);
    expect((await sentinels().master()).port).not.toBe(master.port);
    await vi.waitFor(async () => expect(await connection.redis.publish('news', 'x')).toBe(1), { timeout });
    await vi.waitFor(() => expect(heard).toContain('x'), { timeout });
  },
);

test('Sentinels: an unknown master and missing Sentinels', async () => {
  const { url } = sentinels();
  await expect(connectTo(url.replace('swob-test', 'other'))).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('is a Sentinel that knows no master other'),
  });
  // Those that are away are passed over.
  const { redis } = await connectTo(url.replace('//', '//127.0.0.1:1,'));
  expect(redis.state()).toBe('ok');
});

test('a durable write has its replica, or says how many have it', async () => {
  const connection = await connectTo(sentinels().url, { replicas: 1, replicaTimeoutMs: 300 });
  const write = (n: number) => connection.redis.durable({ key: 'a', args: ['SET', 'a', String(n)] });
  expect(await Promise.all([1, 2, 3].map(write))).toEqual(['OK', 'OK', 'OK']);
  const replica = await sentinels().replica();
  expect(await replica.cli('get', 'a')).toBe('3');
  replica.freeze();
  await expect(write(4)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('0 of 1 replicas have it after 300 ms'),
  });
  // Others do not wait for it.
  const [late, read] = [write(5).catch(() => 'late'), connection.redis.run({ key: 'a', args: ['GET', 'a'] })];
  expect(await Promise.race([late, read])).not.toBe('late');
  await late;
  replica.thaw();
  await vi.waitFor(async () => expect(await write(6)).toBe('OK'), { timeout });
});

test.each(['kill', 'freeze'] as const)('Cluster: after %s of a master its replica is used', async (how) => {
  const connection = await connectTo(cluster().url, { timeoutMs: 500 });
  const { redis } = connection;
  await Promise.all(keys.map((key) => set(connection, key, '1')));
  expect(redis.masters()).toHaveLength(3);
  const heard: string[] = [];
  await redis.subscribe('a', (message) => heard.push(message)).confirmed;

  const lost = await cluster().masterOf('a');
  await lost[how]();
  await healed(connection);
  expect(redis.masters().map(({ name }) => name)).not.toContain(`127.0.0.1:${lost.port}`);
  await vi.waitFor(async () => expect(await redis.publish('a', 'x')).toBe(1), { timeout });
  await vi.waitFor(() => expect(heard).toContain('x'), { timeout });
});

test('Cluster: a slot that is being moved, and has moved, is followed', async () => {
  const connection = await connectTo(cluster().url, { replicas: 1 });
  const { redis } = connection;
  const key = '{a}moved';
  const slot = String(slotOf(key));
  const from = await cluster().masterOf(key);
  const others = await Promise.all(keys.map((other) => cluster().masterOf(other)));
  const to = others.find(({ port }) => port !== from.port);
  if (!to) throw new Error('one master has all the keys');
  const [fromId, toId] = [await from.cli('cluster', 'myid'), await to.cli('cluster', 'myid')];
  await to.cli('cluster', 'setslot', slot, 'importing', fromId);
  await from.cli('cluster', 'setslot', slot, 'migrating', toId);
  const heard: string[] = [];
  await redis.subscribe('a', (message) => heard.push(message)).confirmed;

  // It is not there any more, as far as the old master knows: ASK.
  const script = { name: 'set', lua: "return redis.call('SET', KEYS[1], ARGV[1])", keys: 1 };
  expect(await redis.durable({ script, keys: [key], args: ['asked'] })).toBe('OK');
  expect(await redis.run({ key, args: ['GET', key] })).toBe('asked');
  for (const node of [to, from]) await node.cli('cluster', 'setslot', slot, 'node', toId);
  // MOVED.
  expect(await redis.run({ key, args: ['GET', key] })).toBe('asked');
  expect(await redis.durable({ key, args: ['SET', key, 'moved'] })).toBe('OK');
  expect(await to.cli('get', key)).toBe('moved');
  // The channel has moved with its slot.
  await vi.waitFor(async () => expect(await redis.publish('a', 'x')).toBe(1), { timeout });
  await vi.waitFor(() => expect(heard).toContain('x'), { timeout });
});

test('Cluster: nothing is lost by starting while a master is away', async () => {
  const lost = await cluster().masterOf('a');
  await lost.kill();
  await healed(await connectTo(cluster().url, { timeoutMs: 500 }));
});

test('Sentinels swap the two servers', async () => {
  const connection = await connectTo(sentinels().url);
  await set(connection, 'a', '1');
  await sentinels().failover();
  const master = await sentinels().master();
  // The old one takes writes, which are lost, until it is told.
  await vi.waitFor(
    async () => {
      await set(connection, 'a', '2');
      expect(await master.cli('get', 'a')).toBe('2');
    },
    { timeout },
  );
});

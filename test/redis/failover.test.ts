// Redis on several machines: a new master is found automatically, and durable writes have their replicas.

import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { mapConcurrent } from '../../src/lib/concurrency.ts';
import { connectTo, type TestConnection } from '../support/redis-client.ts';
import { clusterForFile } from '../support/redis-cluster.ts';
import { sentinelForFile } from '../support/redis-sentinel.ts';
import { onEnd } from '../support/teardown.ts';

const timeout = 25_000;
const concurrentWriters = 4;
/** For each of the writers: as fast as possible they take the CPU time of the servers, and test nothing more. */
const betweenWritesMs = 5;
const keys = ['a', 'b', 'c', 'd', 'e', 'f'];

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

/** Writes new keys, some of them concurrently, until it is stopped. */
function keepWriting({ redis }: TestConnection, how: 'run' | 'durable') {
  const acknowledged: string[] = [];
  let next = 0;
  let isStopped = false;
  const write = async (): Promise<void> => {
    while (!isStopped) {
      // A failed write is not retried immediately, because the servers and the Sentinels need CPU time as well.
      await vi.waitFor(
        async () => {
          if (isStopped) return;
          const key = `written by ${how} ${next++}`;
          await redis[how]({ key, args: ['SET', key, key] });
          acknowledged.push(key);
          await setTimeout(betweenWritesMs);
        },
        { timeout, interval: 5 },
      );
    }
  };
  const writers = Array.from({ length: concurrentWriters }, write);
  return {
    acknowledged,
    /** The acknowledged keys that are missing. */
    stop: async (): Promise<string[]> => {
      isStopped = true;
      await Promise.all(writers);
      const read = (key: string) => vi.waitFor(() => redis.run({ key, args: ['GET', key] }), { timeout });
      const found: unknown[] = [];
      for await (const value of mapConcurrent(acknowledged, 16, read)) found.push(value);
      return acknowledged.filter((key, index) => found[index] !== key);
    },
  };
}

// Each group has servers of its own, so that those of the other neither run nor are repaired meanwhile.
describe('Sentinels', () => {
  const sentinels = sentinelForFile();
  afterEach(() => sentinels().repair());

  test.each(['kill', 'freeze'] as const)('uses the new master after %s of the old one', async (how) => {
    const connection = await connectTo(sentinels().url, { timeoutMs: 500 });
    const received: string[] = [];
    await connection.redis.subscribe('news', (message) => received.push(message)).active();
    const master = await sentinels().master();
    const writing = keepWriting(await connectTo(sentinels().url, { timeoutMs: 500, replicas: 1 }), 'durable');
    await vi.waitFor(() => expect(writing.acknowledged.length).toBeGreaterThan(20), { timeout });
    await master[how]();
    await healed(connection);
    expect(await writing.stop()).toEqual([]);
    expect((await sentinels().master()).port).not.toBe(master.port);
    await vi.waitFor(async () => expect(await connection.redis.publish('news', 'x')).toBe(1), { timeout });
    await vi.waitFor(() => expect(received).toContain('x'), { timeout });
  });

  test('an unknown master and missing Sentinels', async () => {
    const { url } = sentinels();
    await expect(connectTo(url.replace('swob-test', 'other'))).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringContaining('is a Sentinel that knows no master other'),
    });
    // Unreachable Sentinels are skipped.
    const { redis } = await connectTo(url.replace('//', '//127.0.0.1:1,'));
    expect(redis.state()).toBe('ok');
  });

  test('a durable write has its replica, or reports how many have it', async () => {
    const connection = await connectTo(sentinels().url, { replicas: 1, replicaTimeoutMs: 300 });
    const write = (n: number) => connection.redis.durable({ key: 'a', args: ['SET', 'a', String(n)] });
    expect(await Promise.all([1, 2, 3].map(write))).toEqual(['OK', 'OK', 'OK']);
    const replica = await sentinels().replica();
    expect(await replica.call('get', 'a')).toBe('3');
    replica.freeze();
    await expect(write(4)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('0 of 1 replicas have it after 300 ms'),
    });
    // Other writes do not wait for it.
    const [late, read] = [
      write(5).catch(() => 'late'),
      connection.redis.run({ key: 'a', args: ['GET', 'a'] }),
    ];
    expect(await Promise.race([late, read])).not.toBe('late');
    await late;
    replica.thaw();
    await vi.waitFor(async () => expect(await write(6)).toBe('OK'), { timeout });
  });

  test('Sentinels swap the two servers without losing what a replica has, nor more than what was under way', async () => {
    const connection = await connectTo(sentinels().url);
    const durable = await connectTo(sentinels().url, { replicas: 1 });
    const [plain, replicated] = [keepWriting(connection, 'run'), keepWriting(durable, 'durable')];
    for (const { acknowledged } of [plain, replicated]) {
      await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(20), { timeout });
    }
    await sentinels().failover();
    const master = await sentinels().master();
    await vi.waitFor(
      async () => {
        await set(connection, 'a', master.url);
        expect(await master.call('get', 'a')).toBe(master.url);
      },
      { timeout },
    );
    expect(await replicated.stop()).toEqual([]);
    // On a busy machine the old master acknowledges what was under way when the Sentinels announced that they replace it.
    expect((await plain.stop()).length).toBeLessThanOrEqual(concurrentWriters);
  });
});

describe('Cluster', () => {
  const cluster = clusterForFile({ failover: true });
  afterEach(() => cluster().repair());

  test.each(['kill', 'freeze'] as const)('uses the replica after %s of its master', async (how) => {
    const connection = await connectTo(cluster().url, { timeoutMs: 500 });
    const { redis } = connection;
    await Promise.all(keys.map((key) => set(connection, key, '1')));
    expect(redis.masters()).toHaveLength(3);
    const received: string[] = [];
    await redis.subscribe('a', (message) => received.push(message)).active();

    const reconnected = vi.fn();
    redis.onReconnect(reconnected);

    const lost = await cluster().masterOf('a');
    const writing = keepWriting(await connectTo(cluster().url, { timeoutMs: 500, replicas: 1 }), 'durable');
    await vi.waitFor(() => expect(writing.acknowledged.length).toBeGreaterThan(20), { timeout });
    await lost[how]();
    await healed(connection);
    expect(await writing.stop()).toEqual([]);
    expect(redis.masters().map(({ name }) => name)).not.toContain(`127.0.0.1:${lost.port}`);
    await vi.waitFor(async () => expect(await redis.publish('a', 'x')).toBe(1), { timeout });
    await vi.waitFor(() => expect(received).toContain('x'), { timeout });
    // Listeners are notified that they have missed messages.
    await vi.waitFor(() => expect(reconnected).toHaveBeenCalled(), { timeout });
  });

  test('follows a slot while it is being moved and after the move', async () => {
    const connection = await connectTo(cluster().url, { replicas: 1 });
    const { redis } = connection;
    const key = '{a}moved';
    const from = await cluster().masterOf(key);
    const slot = await from.call('cluster', 'keyslot', key);
    const others = await Promise.all(keys.map((other) => cluster().masterOf(other)));
    const to = others.find(({ port }) => port !== from.port);
    if (!to) throw new Error('one master has all the keys');
    const [fromId, toId] = [await from.call('cluster', 'myid'), await to.call('cluster', 'myid')];
    await to.call('cluster', 'setslot', slot, 'importing', fromId);
    await from.call('cluster', 'setslot', slot, 'migrating', toId);
    const received: string[] = [];
    await redis.subscribe('a', (message) => received.push(message)).active();

    // The old master no longer has the key: ASK.
    const script = { name: 'set', lua: "return redis.call('SET', KEYS[1], ARGV[1])", keys: 1 };
    expect(await redis.durable({ script, keys: [key], args: ['asked'] })).toBe('OK');
    expect(await redis.run({ key, args: ['GET', key] })).toBe('asked');
    for (const node of [to, from]) await node.call('cluster', 'setslot', slot, 'node', toId);
    // MOVED.
    expect(await redis.run({ key, args: ['GET', key] })).toBe('asked');
    expect(await redis.durable({ key, args: ['SET', key, 'moved'] })).toBe('OK');
    expect(await to.call('get', key)).toBe('moved');
    // The channel has moved with its slot.
    await vi.waitFor(async () => expect(await redis.publish('a', 'x')).toBe(1), { timeout });
    await vi.waitFor(() => expect(received).toContain('x'), { timeout });
  });

  test('subscriptions that have ended leave no listeners behind', async () => {
    const { redis } = await connectTo(cluster().url);
    const warned = vi.fn();
    process.on('warning', warned);
    onEnd(() => void process.off('warning', warned));
    // Node warns of more than 10 listeners of an event.
    for (let n = 0; n < 12; n++) {
      const subscription = redis.subscribe('news', () => {});
      await subscription.active();
      subscription.end();
    }
    expect(warned).not.toHaveBeenCalled();
  });

  test('a redirection to an unreachable node fails, and affects nothing else', async () => {
    const { redis } = await connectTo(cluster().url);
    const key = '{a}redirected';
    const from = await cluster().masterOf(key);
    const others = await Promise.all(keys.map((other) => cluster().masterOf(other)));
    const to = others.find(({ port }) => port !== from.port);
    if (!to) throw new Error('one master has all the keys');
    const slot = await from.call('cluster', 'keyslot', key);
    await from.call('cluster', 'setslot', slot, 'migrating', await to.call('cluster', 'myid'));
    await to.kill();
    // ASK. An unhandled rejection would fail the whole file.
    await expect(redis.run({ key, args: ['GET', key] })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await from.call('cluster', 'setslot', slot, 'stable');
  });

  test('starting while a master is unreachable loses nothing', async () => {
    const lost = await cluster().masterOf('a');
    await lost.kill();
    await healed(await connectTo(cluster().url, { timeoutMs: 500 }));
  });

  test('a master and its replica swap without losing acknowledged writes', async () => {
    const connection = await connectTo(cluster().url);
    const before = await cluster().masterOf('a');
    const writing = keepWriting(connection, 'run');
    await vi.waitFor(() => expect(writing.acknowledged.length).toBeGreaterThan(20), { timeout });
    for (const server of cluster().servers) {
      if ((await server.call('role')).includes(`\n${before.port}\n`))
        await server.call('cluster', 'failover');
    }
    await vi.waitFor(async () => expect((await cluster().masterOf('a')).port).not.toBe(before.port), {
      timeout,
    });
    await healed(connection);
    expect(await writing.stop()).toEqual([]);
  });
});

// The connection to one Redis server: its replies, failures, recovery and log lines.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { RedisScript } from '../../src/redis/connect.ts';
import { patient } from '../support/patience.ts';
import { freePort } from '../support/ports.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';

const server = redisForFile({ appendfsync: 'no' });
const timeout = 15_000;
/** The error of every request while Redis is unreachable. */
const away = { code: 'UNAVAILABLE', retryAfter: 1, publicMessage: 'the store cannot be reached now' };

beforeEach(async () => {
  server().thaw();
  await server()
    .call('ping')
    .catch(() => server().restart());
  await server().flush();
});

describe('commands and scripts', () => {
  const add: RedisScript = {
    name: 'add',
    lua: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
    keys: 1,
  };

  test('returns the replies to commands as RESP3 has them', async () => {
    const { redis } = await connectTo(server().url);
    expect(await redis.run({ key: 'a', args: ['HSET', 'a', 'x', '1', 'y', 'ü'] })).toBe(2);
    expect(await redis.run({ key: 'a', args: ['HGETALL', 'a'] })).toEqual({ x: '1', y: 'ü' });
    expect(await redis.run({ key: 'b', args: ['GET', 'b'] })).toBeNull();
    expect(await redis.masters()[0]?.run(['DBSIZE'])).toBe(1);
    expect(redis.state()).toBe('ok');
  });

  test('runs a script, also after the server has lost it', async () => {
    const { redis } = await connectTo(server().url);
    expect(await redis.run({ script: add, keys: ['n'], args: ['2'] })).toBe(2);
    await server().call('script', 'flush');
    expect(await redis.run({ script: add, keys: ['n'], args: ['3'] })).toBe(5);
    expect(await redis.durable({ script: add, keys: ['n'], args: ['4'] })).toBe(9);
  });

  test('reports an error in a script as a defect, with the name of the script', async () => {
    const { redis } = await connectTo(server().url);
    const broken = { ...add, name: 'broken', lua: 'return nonsense(' };
    await expect(redis.run({ script: broken, keys: ['n'], args: [] })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/^script broken: Redis at 127\.0\.0\.1:\d+ refuses a command: ERR /),
    });
    await expect(redis.run({ script: add, keys: [], args: [] })).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'script add takes 1 keys, not 0',
    });
    await expect(redis.run({ args: ['NO-SUCH'] })).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(redis.state()).toBe('ok');
  });

  test('delivers a message to all listeners until they stop', async () => {
    const [{ redis }, { redis: other }] = [await connectTo(server().url), await connectTo(server().url)];
    const received: string[] = [];
    const subscriptions = ['first', 'second'].map((name) =>
      redis.subscribe('news', (message) => received.push(`${name} ${message}`)),
    );
    await Promise.all(subscriptions.map(({ active }) => active()));
    expect(await other.publish('news', 'ä')).toBe(2);
    await vi.waitFor(() => expect(received.toSorted()).toEqual(['first ä', 'second ä']), { timeout });
    for (const subscription of subscriptions) subscription.end();
    await vi.waitFor(async () => expect(await other.publish('news', 'b')).toBe(0), { timeout });
    expect(received).toHaveLength(2);
  });

  test('a failing listener affects no other', async () => {
    const { redis, log } = await connectTo(server().url);
    const received: string[] = [];
    await redis
      .subscribe('c', () => {
        throw new Error('my fault');
      })
      .active();
    await redis.subscribe('c', (message) => received.push(message)).active();
    await redis.publish('c', '1');
    await redis.publish('c', '2');
    await vi.waitFor(() => expect(received).toEqual(['1', '2']), { timeout });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', fields: { channel: 'c', error: 'my fault' } }),
    );
  });

  test('limits how many commands wait for replies', async () => {
    const { redis } = await connectTo(server().url, { maxInFlight: 3 });
    const sent = await Promise.allSettled(Array.from({ length: 5 }, () => redis.run({ args: ['PING'] })));
    expect(sent.map(({ status }) => status)).toEqual([
      ...Array(3).fill('fulfilled'),
      ...Array(2).fill('rejected'),
    ]);
    expect(sent[4]).toMatchObject({
      reason: {
        ...away,
        message: expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ has not replied to 3 commands: /),
      },
    });
    expect(await redis.run({ args: ['PING'] })).toBe('PONG');
  });
});

describe('outages', () => {
  test('fails requests immediately while the server is down, then recovers and delivers messages again', async () => {
    const { redis, log } = await connectTo(server().url);
    const received: string[] = [];
    await redis.subscribe('news', (message) => received.push(message)).active();
    const reconnected = vi.fn();
    redis.onReconnect(reconnected);

    await server().kill();
    await vi.waitFor(() => expect(redis.state()).toBe('unreachable'), { timeout });
    for (let i = 0; i < 50; i += 1) {
      await expect(redis.run({ args: ['PING'] })).rejects.toMatchObject(away);
    }
    // Attempts continue, without further log lines.
    await vi.waitFor(
      () =>
        expect(redis.run({ args: ['PING'] })).rejects.toThrow(/cannot be reached \(ECONNREFUSED\): start it/),
      { timeout },
    );
    expect(reconnected).not.toHaveBeenCalled();

    await server().restart();
    await vi.waitFor(() => expect(redis.state()).toBe('ok'), { timeout });
    expect(reconnected).toHaveBeenCalledTimes(1);
    expect(await redis.run({ args: ['PING'] })).toBe('PONG');
    expect(await redis.publish('news', 'again')).toBe(1);
    await vi.waitFor(() => expect(received).toEqual(['again']), { timeout });
    const logged = log.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message);
    expect(logged).toEqual([
      'connected to Redis',
      'lost Redis; reconnecting',
      'cannot use Redis; retrying',
      'connected to Redis',
    ]);
  });

  test('abandons a frozen server after the timeout of a reply, and uses it again when it recovers', async () => {
    const { redis } = await connectTo(server().url, { timeoutMs: 200 });
    server().freeze();
    const since = performance.now();
    await expect(redis.run({ args: ['PING'] })).rejects.toMatchObject({
      ...away,
      message: expect.stringContaining('has not answered for 200 ms'),
    });
    expect(performance.now() - since).toBeLessThan(patient(2_000));
    await expect(redis.run({ args: ['PING'] })).rejects.toMatchObject(away);
    server().thaw();
    await vi.waitFor(async () => expect(await redis.run({ args: ['PING'] })).toBe('PONG'), { timeout });
  });

  test('notices a server that freezes while idle', async () => {
    const { redis } = await connectTo(server().url, { timeoutMs: 200 });
    server().freeze();
    await vi.waitFor(() => expect(redis.state()).toBe('unreachable'), { timeout });
  });

  test('waits for a server that has not started yet', async () => {
    await server().kill();
    const { redis, log } = await connectTo(server().url);
    expect(redis.state()).toBe('unreachable');
    const received: string[] = [];
    const subscription = redis.subscribe('news', (message) => received.push(message));
    await expect(subscription.active()).rejects.toMatchObject(away);
    await expect(redis.durable({ key: 'a', args: ['SET', 'a', '1'] })).rejects.toMatchObject(away);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await server().restart();
    await vi.waitFor(() => expect(redis.state()).toBe('ok'), { timeout });
    await vi.waitFor(async () => expect(await redis.publish('news', '1')).toBe(1), { timeout });
    await vi.waitFor(() => expect(received).toEqual(['1']), { timeout });
  });

  test('closes immediately, even while the server is unreachable', async () => {
    const { redis } = await connectTo(`redis://127.0.0.1:${await freePort()}`);
    await redis.close();
    await redis.close();
    const { redis: connected } = await connectTo(server().url);
    const running = connected.run({ args: ['PING'] });
    await connected.close();
    expect(await running).toBe('PONG');
    await expect(connected.run({ args: ['PING'] })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(connected.state()).toBe('unreachable');
  });
});

describe('a server that rejects a write', () => {
  test('because it is out of memory', async () => {
    const { redis } = await connectTo(server().url);
    await server().call('config', 'set', 'maxmemory', '1');
    const write = redis.run({ key: 'a', args: ['SET', 'a', 'x'] });
    await expect(write).rejects.toMatchObject({
      ...away,
      message: expect.stringMatching(/is out of memory: raise its maxmemory$/),
    });
    await server().call('config', 'set', 'maxmemory', '0');
    expect(await redis.run({ key: 'a', args: ['SET', 'a', 'x'] })).toBe('OK');
  });

  test('because too few replicas are connected', async () => {
    const { redis } = await connectTo(server().url, { replicas: 2, replicaTimeoutMs: 50 });
    const writes = [1, 2, 3].map((n) => redis.durable({ key: 'a', args: ['SET', 'a', String(n)] }));
    for (const write of writes) {
      await expect(write).rejects.toMatchObject({
        ...away,
        message: expect.stringContaining('but 0 of 2 replicas have it after 50 ms'),
      });
    }
    expect(await redis.run({ key: 'a', args: ['GET', 'a'] })).toBe('3');
  });

  test('because it became a replica: the client disconnects, and reconnects when it is a master again', async () => {
    const { redis } = await connectTo(server().url);
    await server().call('replicaof', '127.0.0.1', String(await freePort()));
    await expect(redis.run({ key: 'a', args: ['SET', 'a', 'x'] })).rejects.toMatchObject({
      ...away,
      message: expect.stringContaining('is a replica now and takes no writes'),
    });
    await vi.waitFor(
      () => expect(redis.run({ args: ['PING'] })).rejects.toThrow('swob waits for a master there'),
      { timeout },
    );
    await server().call('replicaof', 'no', 'one');
    await vi.waitFor(async () => expect(await redis.run({ key: 'a', args: ['SET', 'a', 'x'] })).toBe('OK'), {
      timeout,
    });
  });
});

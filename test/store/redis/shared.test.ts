// What several nodes may expect of the store that they share in Redis.

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../../src/app/system-clock.ts';
import { SwobError } from '../../../src/errors.ts';
import { leaseContract } from '../../contract/leases.ts';
import { entry, waiting } from '../../contract/outboxes.ts';
import { phone, seed, storeOptions, user } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { redisForFile } from '../../support/redis.ts';
import { connectTo } from '../../support/redis-client.ts';
import { newPrefix, openRedisStore, timeOf } from './support.ts';

const redis = redisForFile({ appendfsync: 'no' });

/** As many stores over the same keys. */
async function openNodes(count: number, options: Parameters<typeof openRedisStore>[1] = {}) {
  const prefix = newPrefix();
  const open = () => openRedisStore(redis(), { prefix, ...options });
  const nodes = await Promise.all(Array.from({ length: count }, open));
  return nodes.map(({ store }) => store);
}

describe('leases of two nodes', () => {
  const current = () => {
    if (!now) throw new Error('no test is running');
    return now;
  };
  let now: Parameters<typeof leaseContract>[0] extends () => infer T ? T | undefined : never;
  beforeEach(async () => {
    const clock = createFakeClock();
    const [one, other] = await openNodes(2, { now: timeOf(clock) });
    if (!one?.shared || !other?.shared) throw new Error('the store is not shared');
    const [here, there] = [one.shared.leases, other.shared.leases];
    // Whichever node acquires the lease, the other can poll it.
    now = { clock, leases: { ...here, poll: there.poll, renew: there.renew } };
  });
  leaseContract(current);
});

describe('entries of several nodes', () => {
  const now = 1_648_206_200_000;

  test('each is claimed by one node', async () => {
    const nodes = await openNodes(3, { inbound: { max: 1_000 } });
    for (let n = 0; n < 100; n++) await nodes[n % 3]?.inbound.put(waiting(`${n}`, n));
    const claims = await Promise.all(
      Array.from({ length: 30 }, (_, n) => nodes[n % 3]?.inbound.claim(now, 5) ?? []),
    );
    const ids = claims.flat();
    expect(ids).toHaveLength(100);
    expect(new Set(ids).size).toBe(100);
  });

  test('a silent node loses its claims to another, and changes nothing when it returns', async () => {
    const [dying, other] = await openNodes(2, { leaseMs: 50 });
    await dying?.inbound.put(entry);
    expect(await dying?.inbound.claim(now, 9)).toEqual([entry.id]);
    await vi.waitFor(async () => expect(await other?.inbound.claim(now, 9)).toEqual([entry.id]), {
      timeout: 10_000,
    });
    const later = { ...entry, attempts: 7 };
    expect(await dying?.inbound.settle(entry.id, later)).toBe(false);
    await dying?.inbound.postpone(entry.id, 1);
    expect(await other?.inbound.get(entry.id)).toEqual(entry);
    expect(await other?.inbound.nextDueAt()).toBeUndefined();
    expect(await other?.inbound.settle(entry.id, undefined)).toBe(true);
    // Completed by the other node, so it is not due again.
    expect(await dying?.inbound.settle(entry.id, later)).toBe(false);
    expect(await dying?.inbound.get(entry.id)).toBeUndefined();
    expect(await dying?.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('a node that regains an expired claim of its own does not start the attempt twice', async () => {
    const prefix = newPrefix();
    const [node, other] = await openNodes(2, { leaseMs: 50, prefix });
    await node?.inbound.put(entry);
    expect(await node?.inbound.claim(now, 9)).toEqual([entry.id]);
    const ranOut = ['xpending', `${prefix}:{inbound}:due`, 'nodes', 'IDLE', '60', '-', '+', '1'];
    await vi.waitFor(async () => expect(await redis().call(...ranOut)).not.toBe(''), { timeout: 10_000 });
    expect(await node?.inbound.claim(now, 9)).toEqual([]);
    expect(await node?.inbound.settle(entry.id, undefined)).toBe(true);
    expect(await other?.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
  });

  test('entries survive the loss of the stream, and of its group', async () => {
    const prefix = newPrefix();
    const [node, other] = await openNodes(2, { prefix, inbound: { max: 100 } });
    const due = `${prefix}:{inbound}:due`;
    for (const loss of [
      ['del', due],
      ['xgroup', 'destroy', due, 'nodes'],
      ['xtrim', due, 'maxlen', '0'],
    ]) {
      for (const id of ['a', 'b', 'c']) await node?.inbound.put(waiting(id, 1));
      expect(await node?.inbound.claim(now, 2)).toHaveLength(2);
      await redis().call(...loss);
      const again = await other?.inbound.claim(now, 9);
      expect([loss, again?.sort()]).toEqual([loss, ['a', 'b', 'c']]);
      // Their former claims are lost.
      expect(await node?.inbound.settle('a', undefined)).toBe(false);
      for (const id of ['a', 'b', 'c']) expect(await other?.inbound.settle(id, undefined)).toBe(true);
      expect(await node?.inbound.count()).toEqual({ waiting: 0, deadLetters: 0 });
    }
  });

  test('the pause of an entry is equally long on every node, whatever their clocks show', async () => {
    const right = createFakeClock();
    const wrong = createFakeClock(right.now() + 3_600_000);
    const prefix = newPrefix();
    const common = { prefix, now: timeOf(right) };
    const { store: here } = await openRedisStore(redis(), { ...common, clock: right });
    const { store: there } = await openRedisStore(redis(), { ...common, clock: wrong });
    await there.inbound.put(waiting('a', wrong.now() + 5_000));
    expect(await here.inbound.nextDueAt()).toBe(right.now() + 5_000);
    expect(await there.inbound.nextDueAt()).toBe(wrong.now() + 5_000);
    expect(await here.inbound.claim(right.now() + 4_999, 9)).toEqual([]);
    expect(await here.inbound.claim(right.now() + 5_000, 9)).toEqual(['a']);
    await here.inbound.postpone('a', right.now() + 7_000);
    expect(await there.inbound.claim(wrong.now() + 6_999, 9)).toEqual([]);
    expect(await there.inbound.claim(wrong.now() + 7_000, 9)).toEqual(['a']);
    expect(await there.inbound.settle('a', waiting('a', wrong.now() + 9_000))).toBe(true);
    expect(await here.inbound.nextDueAt()).toBe(right.now() + 9_000);
  });

  test('a live node keeps its claims while its attempts run', async () => {
    const [busy, other] = await openNodes(2, { leaseMs: 1_500, clock: systemClock });
    await busy?.inbound.put(entry);
    expect(await busy?.inbound.claim(now, 9)).toEqual([entry.id]);
    const until = systemClock.monotonic() + 3_500;
    await vi.waitFor(
      async () => {
        expect(await other?.inbound.claim(now, 9)).toEqual([]);
        expect(systemClock.monotonic()).toBeGreaterThan(until);
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(await busy?.inbound.settle(entry.id, undefined)).toBe(true);
  });

  test('a node that stops releases its claims immediately', async () => {
    const [stopping, other] = await openNodes(2);
    await stopping?.inbound.put(entry);
    await stopping?.inbound.claim(now, 9);
    await stopping?.close();
    expect(await other?.inbound.claim(systemClock.now(), 9)).toEqual([entry.id]);
  });

  test('the limit applies to all nodes together', async () => {
    const nodes = await openNodes(4);
    const puts = Array.from({ length: 100 }, (_, n) => nodes[n % 4]?.inbound.put(waiting(`${n}`, n)));
    const results = await Promise.allSettled(puts);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(40);
  });
});

describe('changes by one node are visible to the others', () => {
  test('a session continues on whichever node receives the next step', async () => {
    const [a, b, c] = await openNodes(3);
    await a?.sessions.open('alice', 'first');
    expect(await b?.sessions.attach('alice', 'first', 'socket')).toMatchObject({ state: 'open' });
    expect(await c?.sessions.rotate('alice', 'first', 'second')).toBe('rotated');
    expect(await a?.sessions.pause('alice', 'second', phone)).toBe('paused');
    expect(await b?.sessions.attach('alice', 'first', 'another')).toMatchObject({
      sessionId: 'second',
      state: 'paused',
      phone,
    });
    expect(await b?.passwordClaims.claim('digest', 'one')).toBe(true);
    expect(await c?.passwordClaims.claim('digest', 'two')).toBe(false);
  });

  test('limits count over all nodes, whatever their clocks show', async () => {
    const nodes = await openNodes(3, { now: () => 0, clock: createFakeClock(1) });
    const limit = { count: 10, windowMs: 60_000 };
    const taken = await Promise.all(
      Array.from({ length: 60 }, (_, n) => nodes[n % 3]?.limits.consume('ping:imsi:1', limit)),
    );
    expect(taken.filter((seconds) => seconds === 0)).toHaveLength(10);
  });

  test('seeds and users are visible to all nodes', async () => {
    const [a, b] = await openNodes(2);
    await a?.seeds.ping(seed);
    await a?.users.put(user);
    expect(await b?.seeds.active(20_000)).toEqual([seed]);
    expect(await b?.users.get(user.userId)).toEqual(user);
  });
});

test('sessions that are spread over slots do not evict each other while there are few of them', async () => {
  const { sessions } = storeOptions(createFakeClock());
  const [store] = await openNodes(1, { slots: 256, sessions: { ...sessions, maxOpen: 100 } });
  const users = Array.from({ length: 90 }, (_, n) => `user ${n}`);
  for (const userId of users) await store?.sessions.open(userId, 's');
  const found = await Promise.all(users.map((userId) => store?.sessions.get(userId, 's')));
  expect(found.filter((session) => session)).toHaveLength(90);
});

test('does not acknowledge a new seed before its replicas have it, however often it pings', async () => {
  const { redis: connection } = await connectTo(redis().url);
  let written = 0;
  const tooFew = new SwobError('UNAVAILABLE', '0 of 1 replicas have it');
  const { store } = await openRedisStore(redis(), {
    redis: {
      ...connection,
      durable: async (call) => {
        await connection.durable(call);
        if (++written <= 3) throw tooFew;
      },
    },
  });
  for (let n = 0; n < 3; n++) await expect(store.seeds.ping(seed)).rejects.toBe(tooFew);
  await store.seeds.ping(seed);
  await store.seeds.ping(seed);
  expect(written).toBe(4);
  await store.seeds.ping({ ...seed, seedType: 'seeder' });
  expect(written).toBe(5);
});

describe('in real time', () => {
  test('expiring data is removed by Redis, and durable data stays', async () => {
    const prefix = newPrefix();
    const { store } = await openRedisStore(redis(), { prefix, now: undefined });
    await store.sessions.open('alice', 'first');
    await store.sessions.attach('alice', 'first', 'socket');
    await store.sessions.rotate('alice', 'first', 'second');
    await store.passwordClaims.claim('digest', 'fingerprint');
    await store.limits.consume('ping:imsi:1', { count: 1, windowMs: 60_000 });
    await store.shared?.leases.acquire('key', 10_000);
    await store.receipts.put('id', { reply: 'published', history: [] });
    await store.probe();
    await store.users.put(user);
    await store.seeds.ping(seed);
    await store.inbound.put(entry);
    const [, ...keys] = (await redis().call('scan', '0', 'match', `${prefix}:*`, 'count', '100000')).split(
      '\n',
    );
    const lasting = ['user', '{seeds}', '{inbound}'];
    expect(keys.length).toBeGreaterThan(12);
    for (const key of keys) {
      const ttl = Number(await redis().call('pttl', key));
      const isLasting = lasting.some((kind) => key.startsWith(`${prefix}:${kind}`));
      expect([key, isLasting ? ttl === -1 : ttl > 0 && ttl <= 3_600_000]).toEqual([key, true]);
    }
  });

  test('a session is unknown after its time by the clock of Redis', async () => {
    const sessions = { openTtlMs: 50, pausedTtlMs: 50, pairedTtlMs: 50, maxOpen: 10 };
    const [store] = await openNodes(1, { now: undefined, sessions });
    await store?.sessions.open('alice', 'first');
    await vi.waitFor(async () => expect(await store?.sessions.get('alice', 'first')).toBeUndefined(), {
      timeout: 5_000,
    });
  });

  test('no request scans all keys', async () => {
    const stats = await redis().call('info', 'commandstats');
    expect(stats).toContain('cmdstat_evalsha');
    expect(stats).not.toMatch(/cmdstat_(keys|hgetall|hkeys|hvals|smembers|sort)\b/);
  });
});

describe('a damaged record', () => {
  test('is reported without its content, and hides no other', async () => {
    const prefix = newPrefix();
    const { store, log } = await openRedisStore(redis(), { prefix });
    await redis().call('set', `${prefix}:user:alice`, '{"sharedKey":"a secret"}');
    const reading = store.users.get('alice');
    await expect(reading).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(reading).rejects.toThrow(/^a user in Redis is damaged/);
    await expect(reading).rejects.not.toThrow('secret');
    await store.seeds.ping(seed);
    await store.seeds.ping({ ...seed, imsi: '62401' });
    await redis().call('hset', `${prefix}:{seeds}:all`, '62401', 'no JSON');
    expect(await store.seeds.active(20_000)).toEqual([seed]);
    expect(log.lines.at(-1)).toMatchObject({ level: 'error', message: 'skipped a damaged seed' });
  });
});

test('a store closes in time while Redis hangs, whatever the timeout of replies', async () => {
  const { redis: connection } = await connectTo(redis().url, { timeoutMs: 60_000 });
  const { store } = await openRedisStore(redis(), { redis: connection, clock: systemClock });
  await store.inbound.put(entry);
  await store.inbound.claim(systemClock.now(), 9);
  redis().freeze();
  onTestFinished(() => redis().thaw());
  const since = systemClock.monotonic();
  await store.close();
  expect(systemClock.monotonic() - since).toBeLessThan(30_000);
});

test('a closed store rejects all operations', async () => {
  const [store] = await openNodes(1);
  await store?.close();
  await expect(store?.users.get('alice')).rejects.toThrow('the store is closed');
  await expect(store?.inbound.put(entry)).rejects.toThrow(/closed|connected/);
});

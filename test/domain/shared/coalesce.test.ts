// Request coalescing in one process, and in several that share a store.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createCoalescer } from '../../../src/domain/shared/coalesce.ts';
import type { LeaseStore } from '../../../src/domain/shared/ports.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryLeases } from '../../../src/store/memory/leases.ts';
import { leaseContract } from '../../contract/leases.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

let clock: FakeClock;
let leases: LeaseStore;
beforeEach(() => {
  clock = createFakeClock();
  leases = createMemoryLeases(clock);
});
leaseContract(() => ({ clock, leases }));

const createNode = (shared: LeaseStore | undefined = leases, log = createMemoryLog()) =>
  createCoalescer<string>({
    name: 'sms',
    leases: shared,
    clock,
    log,
    read: (value) => (typeof value === 'string' ? value : undefined),
  });

/** Work that ends when a test ends it. */
function createWork() {
  let end: (outcome: Promise<string>) => void = () => {};
  const outcome = new Promise<string>((resolve) => {
    end = resolve;
  });
  return {
    run: vi.fn(() => outcome),
    succeed: (value: string) => end(Promise.resolve(value)),
    fail: (error: Error) => end(Promise.reject(error)),
  };
}

async function settle(ms = 0): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    clock.advance(10);
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}

describe.each([
  ['alone', () => undefined],
  ['with a store that others share', () => leases],
])('one process, %s', (_name, shared) => {
  test('concurrent calls with one key share a run, other keys have their own, and later calls start a new one', async () => {
    const node = createNode(shared());
    const [work, other] = [createWork(), createWork()];
    const results = Promise.all([
      node.run('k', work.run),
      node.run('k', other.run),
      node.run('l', other.run),
    ]);
    await settle();
    expect(node.size).toBe(2);
    work.succeed('first');
    other.succeed('other');
    expect(await results).toEqual(['first', 'first', 'other']);
    expect(other.run).toHaveBeenCalledTimes(1);
    await node.idle();
    expect(node.size).toBe(0);
    expect(await node.run('k', async () => 'second')).toBe('second');
    expect(clock.pending).toBe(0);
  });

  test('all calls get its failure, which is not cached', async () => {
    const node = createNode(shared());
    const work = createWork();
    const results = Promise.allSettled([node.run('k', work.run), node.run('k', work.run)]);
    await settle();
    work.fail(new SwobError('UPSTREAM', 'no'));
    for (const result of await results) expect(result).toMatchObject({ reason: { message: 'no' } });
    expect(await node.run('k', async () => 'again')).toBe('again');
  });
});

describe('several processes', () => {
  test('one process works, and the others get its outcome', async () => {
    const work = createWork();
    const nodes = [createNode(), createNode(), createNode()];
    const results = Promise.all(nodes.map((node) => node.run('k', work.run)));
    await settle(1_000);
    work.succeed('done');
    await settle(250);
    expect(await results).toEqual(['done', 'done', 'done']);
    expect(work.run).toHaveBeenCalledTimes(1);
  });

  test('the others get its failure unchanged, including the public message', async () => {
    const work = createWork();
    const results = Promise.allSettled([createNode(), createNode()].map((node) => node.run('k', work.run)));
    await settle();
    work.fail(new SwobError('UNAVAILABLE', 'the pool of 10.0.0.1', { retryAfter: 3, publicMessage: 'busy' }));
    await settle(250);
    for (const result of await results) {
      expect(result).toMatchObject({
        reason: {
          code: 'UNAVAILABLE',
          message: 'the pool of 10.0.0.1',
          publicMessage: 'busy',
          retryAfter: 3,
        },
      });
    }
  });

  test('an unexpected failure is INTERNAL in all of them', async () => {
    const work = createWork();
    const [mine, theirs] = [createNode(), createNode()].map((node) => node.run('k', work.run));
    await settle();
    work.fail(new Error('a defect'));
    await expect(mine).rejects.toThrow('a defect');
    const seen = expect(theirs).rejects.toMatchObject({ code: 'INTERNAL' });
    await settle(250);
    await seen;
  });

  test('long work is not started again while its process runs', async () => {
    const work = createWork();
    const results = Promise.all([createNode(), createNode()].map((node) => node.run('k', work.run)));
    await settle(60_000);
    work.succeed('done');
    await settle(250);
    expect(await results).toEqual(['done', 'done']);
    expect(work.run).toHaveBeenCalledTimes(1);
  });

  test('when its process dies, one of the waiting processes takes over', async () => {
    await leases.acquire('sms:k', 10_000);
    const work = createWork();
    const results = Promise.all([createNode(), createNode()].map((node) => node.run('k', work.run)));
    await settle(9_900);
    expect(work.run).not.toHaveBeenCalled();
    await settle(400);
    work.succeed('done');
    await settle(250);
    expect(await results).toEqual(['done', 'done']);
    expect(work.run).toHaveBeenCalledTimes(1);
  });

  test('logs when a lease has expired during its work, as another process may have done the same', async () => {
    const log = createMemoryLog();
    const node = createNode(leases, log);
    const [work, other] = [createWork(), createWork()];
    vi.spyOn(leases, 'renew').mockRejectedValue(new SwobError('UNAVAILABLE', 'away'));
    const result = node.run('k', work.run);
    await settle(10_100);
    const second = createNode().run('k', other.run);
    await settle();
    work.succeed('first');
    other.succeed('second');
    expect(await Promise.all([result, second])).toEqual(['first', 'second']);
    expect(log.lines.filter(({ message }) => message.includes('a lease has expired'))).toHaveLength(1);
  });

  test.each(['{"value":7}', '{}', 'no JSON', 'null', '{"error":{"code":"CONSTRUCTOR"}}', '{"error":7}'])(
    'an outcome of %s is INTERNAL, not taken for one',
    async (outcome) => {
      const { leaseId: flight } = await leases.acquire('sms:k', 10_000);
      const result = createNode().run('k', async () => 'mine');
      await settle();
      await leases.complete('sms:k', flight, outcome);
      const seen = expect(result).rejects.toMatchObject({ code: 'INTERNAL' });
      await settle(250);
      await seen;
    },
  );

  test('fails when the store is unavailable before the work starts, not when it fails during the work', async () => {
    const away = new SwobError('UNAVAILABLE', 'away');
    const work = createWork();
    vi.spyOn(leases, 'acquire').mockRejectedValueOnce(away);
    await expect(createNode().run('k', work.run)).rejects.toThrow('away');
    expect(work.run).not.toHaveBeenCalled();
    const result = createNode().run('k', work.run);
    vi.spyOn(leases, 'renew').mockRejectedValue(away);
    vi.spyOn(leases, 'complete').mockRejectedValue(away);
    await settle(5_000);
    work.succeed('done');
    expect(await result).toBe('done');
  });
});

test('waiting for another process fails after five minutes, and blocks no later call', async () => {
  const [busy, waiter] = [createNode(), createNode()];
  const work = createWork();
  const ending = busy.run('k', work.run);
  await settle();
  const waiting = waiter.run('k', work.run);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
  for (let second = 0; second < 301; second++) {
    // Renewed every three seconds, so that the lease does not expire.
    for (let part = 0; part < 4; part++) {
      clock.advance(250);
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
    }
  }
  expect(waiter.size).toBe(0);
  await refused;
  work.succeed('done');
  expect(await ending).toBe('done');
  expect(work.run).toHaveBeenCalledTimes(1);
  expect(clock.pending).toBe(0);
});

describe('a lease that the caller has acquired', () => {
  test('is not acquired again, and its work runs also beside a call that waits for another process', async () => {
    const [node, elsewhere] = [createNode(), createNode()];
    const [first, second] = [createWork(), createWork()];
    const there = elsewhere.run('k', first.run);
    await settle();
    const waiting = node.run('k', second.run);
    await settle();
    first.succeed('first');
    await there;
    // The waiting call polls later.
    const grant = await leases.acquire('sms:k', 10_000);
    const acquire = vi.spyOn(leases, 'acquire');
    const mine = node.run('k', second.run, grant);
    const joined = node.run('k', second.run);
    await settle();
    second.succeed('second');
    expect(await Promise.all([mine, joined])).toEqual(['second', 'second']);
    await settle(300);
    expect(await waiting).toBe('first');
    expect(second.run).toHaveBeenCalledTimes(1);
    expect(acquire).not.toHaveBeenCalled();
    expect([node.size, clock.pending]).toEqual([0, 0]);
  });

  test('belongs to another call of this process, whose outcome this one gets', async () => {
    const node = createNode();
    const work = createWork();
    const [mine, others] = [await leases.acquire('sms:k', 10_000), await leases.acquire('sms:k', 10_000)];
    // In the worse order.
    const second = node.run('k', work.run, others);
    const first = node.run('k', work.run, mine);
    await settle();
    work.succeed('done');
    await settle(300);
    expect(await Promise.all([first, second])).toEqual(['done', 'done']);
    expect(work.run).toHaveBeenCalledTimes(1);
  });
});

test('no call waits until its outcome is reported to other processes, but the end of the process does', async () => {
  const node = createNode();
  let report: (wasHeld: boolean) => void = () => {};
  vi.spyOn(leases, 'complete').mockReturnValueOnce(new Promise((resolve) => (report = resolve)));
  expect(await node.run('k', async () => 'done')).toBe('done');
  let isIdle = false;
  const idle = node.idle().then(() => (isIdle = true));
  await settle();
  expect(isIdle).toBe(false);
  report(true);
  await idle;
});

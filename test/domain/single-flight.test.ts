// The same work at once runs once: in one process, and in several that share a store.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { FlightStore } from '../../src/domain/ports.ts';
import { createSingleFlight } from '../../src/domain/single-flight.ts';
import { SwobError } from '../../src/errors.ts';
import { flightContract } from '../contract/flights.ts';
import { createFakeClock, type FakeClock } from '../support/fake-clock.ts';
import { createFlights } from '../support/flights.ts';
import { createMemoryLog } from '../support/log.ts';

let clock: FakeClock;
let flights: FlightStore;
beforeEach(() => {
  clock = createFakeClock();
  flights = createFlights(clock);
});
flightContract(() => ({ clock, flights }));

const createNode = (shared: FlightStore | undefined = flights) =>
  createSingleFlight<string>({
    name: 'job',
    flights: shared,
    clock,
    log: createMemoryLog(),
    read: (value) => (typeof value === 'string' ? value : undefined),
  });

/** Work that ends when it is told to. */
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
  ['with a store that others share', () => flights],
])('one process, %s', (_name, shared) => {
  test('the same key at once is one run, another key is another, and afterwards it runs anew', async () => {
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

  test('all get its failure, which keeps nothing', async () => {
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
  test('one works, and the others get its outcome', async () => {
    const work = createWork();
    const nodes = [createNode(), createNode(), createNode()];
    const results = Promise.all(nodes.map((node) => node.run('k', work.run)));
    await settle(1_000);
    work.succeed('done');
    await settle(250);
    expect(await results).toEqual(['done', 'done', 'done']);
    expect(work.run).toHaveBeenCalledTimes(1);
  });

  test('the others get its failure as it is, with what a stranger may read of it', async () => {
    const work = createWork();
    const results = Promise.allSettled([createNode(), createNode()].map((node) => node.run('k', work.run)));
    await settle();
    work.fail(new SwobError('UNAVAILABLE', 'the pool of 10.0.0.1', { retryAfter: 3, forClients: 'busy' }));
    await settle(250);
    for (const result of await results) {
      expect(result).toMatchObject({
        reason: {
          code: 'UNAVAILABLE',
          message: 'the pool of 10.0.0.1',
          forClients: 'busy',
          retryAfter: 3,
        },
      });
    }
  });

  test('a failure that nobody expected stays INTERNAL', async () => {
    const work = createWork();
    const [mine, theirs] = [createNode(), createNode()].map((node) => node.run('k', work.run));
    await settle();
    work.fail(new Error('a defect'));
    await expect(mine).rejects.toThrow('a defect');
    const seen = expect(theirs).rejects.toMatchObject({ code: 'INTERNAL' });
    await settle(250);
    await seen;
  });

  test('work that takes long is not begun a second time while its process lives', async () => {
    const work = createWork();
    const results = Promise.all([createNode(), createNode()].map((node) => node.run('k', work.run)));
    await settle(60_000);
    work.succeed('done');
    await settle(250);
    expect(await results).toEqual(['done', 'done']);
    expect(work.run).toHaveBeenCalledTimes(1);
  });

  test('when its process dies, one of those who wait does it', async () => {
    await flights.begin('job:k', 10_000);
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

  test.each(['{"value":7}', '{}', 'no JSON', 'null', '{"error":{"code":"CONSTRUCTOR"}}', '{"error":7}'])(
    'an outcome of %s is INTERNAL, not taken for one',
    async (outcome) => {
      const { flight } = await flights.begin('job:k', 10_000);
      const result = createNode().run('k', async () => 'mine');
      await settle();
      await flights.land('job:k', flight, outcome);
      const seen = expect(result).rejects.toMatchObject({ code: 'INTERNAL' });
      await settle(250);
      await seen;
    },
  );

  test('a store that is away before the work begins refuses it; one that goes away meanwhile does not', async () => {
    const away = new SwobError('UNAVAILABLE', 'away');
    const work = createWork();
    vi.spyOn(flights, 'begin').mockRejectedValueOnce(away);
    await expect(createNode().run('k', work.run)).rejects.toThrow('away');
    expect(work.run).not.toHaveBeenCalled();
    const result = createNode().run('k', work.run);
    vi.spyOn(flights, 'renew').mockRejectedValue(away);
    vi.spyOn(flights, 'land').mockRejectedValue(away);
    await settle(5_000);
    work.succeed('done');
    expect(await result).toBe('done');
  });
});

test('who waits for the work of another process gives up after five minutes, and holds nothing up then', async () => {
  const [busy, waiter] = [createNode(), createNode()];
  const work = createWork();
  const ending = busy.run('k', work.run);
  await settle();
  const waiting = waiter.run('k', work.run);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfter: 1 });
  for (let second = 0; second < 301; second++) {
    // Renewed every third second: it is under way, and not lost.
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

// The outbox on the memory store and a fake clock: pauses, ages, broken stores, clocks that are set.

import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Parcel } from '../../src/domain/model.ts';
import { createOutbox, lived, type Outcome, pauseAfter } from '../../src/domain/outbox.ts';
import { SwobError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';

const sms = { platform: 'gateway-client', msisdn: '+1', text: 'x' };
type Content = typeof sms;

/** An outbox whose attempts end as `outcomes` says, in their order; the last one goes on for ever. */
function createWorld({
  maxAgeMs = 3_600_000,
  width = 2,
  keepFailedMs = 86_400_000,
  lookEveryMs = undefined as number | undefined,
} = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createMemoryStore(storeOptions(clock)).inbound;
  const attempts: Parcel<Content>[] = [];
  let endings: Outcome<Content>[] = [{ kind: 'done' }];
  const deliver = vi.fn(async (parcel: Parcel<Content>): Promise<Outcome<Content>> => {
    attempts.push(parcel);
    return (endings.length > 1 ? endings.shift() : endings[0]) ?? { kind: 'done' };
  });
  const outbox = createOutbox<Content>({
    name: 'message',
    store,
    clock,
    log,
    random: () => 1,
    width,
    maxAgeMs,
    maxPauseMs: 300_000,
    deliver,
    keepFailedMs,
    lookEveryMs,
  });
  return {
    clock,
    log,
    store,
    outbox,
    attempts,
    deliver,
    /** Lets what is under way come to rest: everything here resolves at once. */
    settle: async () => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    },
    outcomes: (...next: Outcome<Content>[]) => {
      endings = next;
    },
  };
}

const again = { kind: 'again', reason: 'answered 503' } as const;

describe('the outbox', () => {
  test('delivers at once and forgets', async () => {
    const world = createWorld();
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    expect(world.attempts.map(({ id }) => id)).toEqual(['a']);
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 0 });
    expect(world.clock.pending).toBe(0);
  });

  test('pauses twice as long each time, five minutes at most', async () => {
    const world = createWorld({ maxAgeMs: 86_400_000 });
    world.outcomes(again);
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    for (const [index, pause] of [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].entries()) {
      expect(world.attempts).toHaveLength(index + 1);
      // Nothing before its time, although a timer may ring to look at the clock.
      for (let left = pause * 1_000 - 1; left > 0; left -= 50_000) {
        world.clock.advance(Math.min(left, 50_000));
        await world.settle();
      }
      expect(world.attempts).toHaveLength(index + 1);
      world.clock.advance(1);
      await world.settle();
    }
    world.outcomes({ kind: 'done' });
    world.clock.advance(300_000);
    await world.settle();
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 0 });
  });

  test('gives up what is too old, keeps it, and tries again when an operator wishes', async () => {
    const world = createWorld({ maxAgeMs: 5_000 });
    world.outcomes(again);
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    for (let second = 0; second < 10; second++) {
      world.clock.advance(1_000);
      await world.settle();
    }
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 1 });
    const [failed] = await world.store.failed(10);
    expect(failed?.life.map(({ what }) => what)).toEqual([
      'attempt 1 failed: answered 503',
      'attempt 2 failed: answered 503',
      'attempt 3 failed: answered 503',
      'attempt 4 failed: answered 503',
      'given up: too old',
    ]);
    const tries = world.attempts.length;
    world.clock.advance(3_600_000);
    await world.settle();
    expect(world.attempts).toHaveLength(tries);

    expect(await world.outbox.retry('unknown')).toBe(false);
    world.outcomes(again, { kind: 'done' });
    expect(await world.outbox.retry('a')).toBe(true);
    await world.settle();
    // It waits again, so there is nothing to set free.
    expect(await world.outbox.retry('a')).toBe(false);
    expect(world.attempts.at(-1)).toMatchObject({ attempts: 0 });
    world.clock.advance(1_000);
    await world.settle();
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 0 });
  });

  test('what was given up is forgotten where nobody looks after it', async () => {
    const world = createWorld({ keepFailedMs: 0 });
    world.outcomes({ kind: 'given up', reason: 'private address' });
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 0 });
    expect(world.log.lines).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  test('what was given up is forgotten after its time, the oldest first', async () => {
    const world = createWorld({ keepFailedMs: 3_600_000 });
    world.outcomes({ kind: 'given up', reason: 'answered 400' });
    world.outbox.start();
    for (const id of ['a', 'b', 'c']) {
      await world.outbox.add(id, sms);
      await world.settle();
      world.clock.advance(1_900_000);
    }
    const kept = (await world.store.failed(10)).map(({ id }) => id);
    expect(kept).toEqual(['b', 'c']);
  });

  test('a delivery that throws is tried again', async () => {
    const world = createWorld();
    world.deliver.mockRejectedValueOnce(new Error('a defect'));
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    expect((await world.store.get('a'))?.life.at(-1)?.what).toBe('attempt 1 failed: a defect');
    world.clock.advance(1_000);
    await world.settle();
    expect(await world.store.get('a')).toBeUndefined();
  });

  test('keeps a first attempt that failed, with what it learnt', async () => {
    const world = createWorld();
    world.outbox.start();
    const life = [{ at: 1, what: 'received' }];
    await world.outbox.keep('a', sms, { ...again, content: { ...sms, text: 'y' } }, life);
    expect(await world.store.get('a')).toMatchObject({ attempts: 1, content: { text: 'y' } });
    await world.settle();
    expect(world.attempts).toHaveLength(0);
    world.clock.advance(1_000);
    await world.settle();
    expect(world.attempts.map(({ content }) => content.text)).toEqual(['y']);
  });

  test('runs no more than its width at once, and everything in the end', async () => {
    const world = createWorld({ width: 3 });
    const gates: (() => void)[] = [];
    let most = 0;
    let now = 0;
    world.deliver.mockImplementation(async () => {
      most = Math.max(most, ++now);
      await new Promise<void>((resolve) => gates.push(resolve));
      now--;
      return { kind: 'done' };
    });
    world.outbox.start();
    for (let n = 0; n < 20; n++) await world.outbox.add(`p${n}`, sms);
    for (let n = 0; n < 20; n++) {
      await world.settle();
      gates.shift()?.();
    }
    await world.settle();
    expect(most).toBe(3);
    expect(world.deliver).toHaveBeenCalledTimes(20);
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 0 });
  });

  test('begins with what an earlier process has left, and not before it is started', async () => {
    const world = createWorld();
    await world.outbox.add('a', sms);
    await world.settle();
    expect(world.attempts).toHaveLength(0);
    world.outbox.start();
    await world.settle();
    expect(world.attempts).toHaveLength(1);
  });

  test('halted, it starts nothing more, and idle waits for what is under way', async () => {
    const world = createWorld();
    let finish = (): void => {};
    world.deliver.mockImplementationOnce(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return again;
    });
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    world.outbox.halt();
    const idle = world.outbox.idle();
    let rested = false;
    void idle.then(() => {
      rested = true;
    });
    await world.settle();
    expect(rested).toBe(false);
    finish();
    await idle;
    world.clock.advance(3_600_000);
    await world.settle();
    expect(world.deliver).toHaveBeenCalledTimes(1);
    expect((await world.store.get('a'))?.attempts).toBe(1);
    expect(world.clock.pending).toBe(0);
  });

  test('a store that cannot be written is left alone for a while: nothing is delivered over and over', async () => {
    const world = createWorld();
    world.outbox.start();
    const settling = vi.spyOn(world.store, 'settle').mockRejectedValue(new Error('disk full'));
    await world.outbox.add('a', sms);
    await world.settle();
    await world.outbox.add('b', sms);
    await world.settle();
    expect(world.attempts).toHaveLength(1);
    settling.mockRestore();
    world.clock.advance(5_000);
    await world.settle();
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 0 });
    const lines = world.log.lines.filter(({ level }) => level === 'error');
    expect(lines).toEqual([expect.objectContaining({ fields: { reason: 'disk full' } })]);
  });

  test('a parcel that cannot be read holds up no other, and is tried again', async () => {
    const world = createWorld();
    const get = world.store.get;
    let damaged = true;
    vi.spyOn(world.store, 'get').mockImplementation(async (id) => {
      if (id === 'a' && damaged) throw new Error('a record is damaged');
      return get(id);
    });
    world.outbox.start();
    for (const id of ['a', 'b', 'c', 'd']) await world.outbox.add(id, sms);
    await world.settle();
    expect(world.attempts.map(({ id }) => id)).toEqual(['b', 'c', 'd']);
    for (let n = 0; n < 30; n++) {
      world.clock.advance(1_000);
      await world.settle();
    }
    expect(world.log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    damaged = false;
    for (let n = 0; n < 31; n++) {
      world.clock.advance(1_000);
      await world.settle();
    }
    expect(world.attempts.map(({ id }) => id)).toEqual(['b', 'c', 'd', 'a']);
    expect(world.clock.pending).toBe(0);
  });

  test('what was given up gives way when there is no room, and stays when the store is away', async () => {
    const world = createWorld();
    const old = { content: sms, since: world.clock.now(), dueAt: null, attempts: 9, life: [] };
    for (let n = 0; n < 40; n++) await world.store.put({ ...old, id: `old ${n}` });
    const away = new SwobError(
      'UNAVAILABLE',
      'Redis at a:6379 has not answered for 2000 ms: see whether it runs',
    );
    const putting = vi.spyOn(world.store, 'put').mockRejectedValueOnce(away);
    await expect(world.outbox.add('a', sms)).rejects.toBe(away);
    expect(putting).toHaveBeenCalledTimes(1);
    expect(await world.store.count()).toEqual({ waiting: 0, failed: 40 });
    await world.outbox.add('a', sms);
    expect(await world.store.count()).toEqual({ waiting: 1, failed: 39 });
  });

  test('a parcel that another process has taken over is left to it', async () => {
    const world = createWorld();
    world.outcomes(again);
    vi.spyOn(world.store, 'settle').mockResolvedValue(false);
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    expect(world.attempts).toHaveLength(1);
    expect((await world.store.get('a'))?.attempts).toBe(0);
    expect(world.log.lines.at(-1)).toMatchObject({ level: 'warn', fields: { id: 'a' } });
  });

  test('halted between a claim and its attempts, it gives back what it has claimed', async () => {
    const world = createWorld();
    const claim = world.store.claim;
    vi.spyOn(world.store, 'claim').mockImplementation(async (now, limit) => {
      const ids = await claim(now, limit);
      world.outbox.halt();
      return ids;
    });
    await world.outbox.add('a', sms);
    world.outbox.start();
    await world.settle();
    expect(world.attempts).toEqual([]);
    expect(await world.store.nextDue()).toBe(world.clock.now());
  });

  test('an outage of the store is told once, however long it lasts', async () => {
    const world = createWorld({ lookEveryMs: 2_000 });
    const away = vi.spyOn(world.store, 'nextDue').mockRejectedValue(new Error('away'));
    world.outbox.start();
    const errors = () => world.log.lines.filter(({ level }) => level === 'error').length;
    const wait = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        await world.settle();
        world.clock.advance(1_000);
      }
      await world.settle();
    };
    await wait(60);
    expect(away.mock.calls.length).toBeGreaterThan(5);
    expect(errors()).toBe(1);
    away.mockRestore();
    await wait(10);
    vi.spyOn(world.store, 'nextDue').mockRejectedValue(new Error('away again'));
    await wait(10);
    expect(errors()).toBe(2);
  });

  test('where others share the store, it looks for what they have left even when nothing waits here', async () => {
    const world = createWorld({ lookEveryMs: 2_000 });
    world.outbox.start();
    await world.settle();
    const now = world.clock.now();
    await world.store.put({ id: 'b', content: sms, since: now, dueAt: now, attempts: 0, life: [] });
    world.clock.advance(2_000);
    await world.settle();
    expect(world.attempts.map(({ id }) => id)).toEqual(['b']);
    expect(world.clock.pending).toBe(1);
  });

  test('a clock set back by a day holds nothing up', async () => {
    const world = createWorld();
    world.outcomes(again, { kind: 'done' });
    world.outbox.start();
    await world.outbox.add('a', sms);
    await world.settle();
    world.clock.setWall(world.clock.now() - 86_400_000);
    for (let n = 0; n < 70; n++) {
      world.clock.advance(1_000);
      await world.settle();
    }
    expect(await world.store.get('a')).toBeUndefined();
  });
});

test('a pause is at least half of its full length, and never longer than five minutes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (n, chance) => {
        const full = Math.min(300_000, 1_000 * 2 ** Math.min(n - 1, 20));
        const pause = pauseAfter(n, 300_000, () => chance);
        expect(pause).toBeGreaterThanOrEqual(Math.floor(full / 2));
        expect(pause).toBeLessThanOrEqual(full);
      },
    ),
  );
});

test('a life keeps its first events and its last ones, 20 in all', () => {
  let life: ReturnType<typeof lived> = [];
  for (let n = 1; n <= 50; n++) life = lived(life, n, `event ${n}`);
  expect(life.map(({ at }) => at)).toEqual([1, 2, ...Array.from({ length: 18 }, (_, n) => n + 33)]);
});

// A semaphore for holders and bytes, against a model, and its waiting holders.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSemaphore, type SemaphoreOptions } from '../../src/lib/semaphore.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const full = new Error('full');

function setUp(options: Partial<SemaphoreOptions> = {}) {
  const clock = createFakeClock();
  const bounds = { maxHolders: 2, maxBytes: 10, maxWaiting: 3, waitTimeoutMs: 1_000 };
  return { clock, room: createSemaphore({ ...bounds, clock, fullError: () => full, ...options }) };
}

describe('a semaphore', () => {
  test('admits up to its number of holders and bytes; the next ones wait in order', async () => {
    const { room } = setUp();
    const [first, second] = [await room.acquire(6), await room.acquire(4)];
    const entered: string[] = [];
    const third = room.acquire(5).then((leave) => {
      entered.push('third');
      return leave;
    });
    const fourth = room.acquire(1).then((leave) => {
      entered.push('fourth');
      return leave;
    });
    second();
    // The fourth would fit, but an earlier one waits.
    await Promise.resolve();
    expect(entered).toEqual([]);
    first();
    first();
    await Promise.all([third, fourth]);
    expect(entered).toEqual(['third', 'fourth']);
  });

  test('rejects as full on timeout, when the queue is full, and for more bytes than it has', async () => {
    const { room, clock } = setUp();
    const leave = await room.acquire(10);
    await expect(room.acquire(11)).rejects.toBe(full);
    const waiting = [room.acquire(1), room.acquire(1), room.acquire(1)];
    const outcomes = Promise.allSettled(waiting);
    await expect(room.acquire(1)).rejects.toBe(full);
    clock.advance(999);
    leave();
    clock.advance(1);
    const [first, second, third] = await outcomes;
    expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(clock.pending).toBe(0);
  });

  test('admits those that fit behind one that has waited too long for more bytes', async () => {
    const { room, clock } = setUp();
    await room.acquire(6);
    const large = room.acquire(5);
    clock.advance(999);
    const small = room.acquire(4);
    clock.advance(1);
    await expect(large).rejects.toBe(full);
    expect(clock.pending).toBe(0);
    await small;
  });

  test('never exceeds its capacity, and serves all in the end', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (all) => {
        const { room } = setUp({ maxWaiting: 100 });
        let things = 0;
        let bytes = 0;
        await Promise.all(
          all.map(async (size) => {
            const leave = await room.acquire(size);
            things += 1;
            bytes += size;
            expect(things).toBeLessThanOrEqual(2);
            expect(bytes).toBeLessThanOrEqual(10);
            await Promise.resolve();
            things -= 1;
            bytes -= size;
            leave();
          }),
        );
        expect(things).toBe(0);
      }),
    );
  });
});

// Room for things and bytes, against a model, and what becomes of those who wait.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRoom, type RoomOptions } from '../../src/upstream/room.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const full = new Error('full');

function setUp(options: Partial<RoomOptions> = {}) {
  const clock = createFakeClock();
  const bounds = { maxThings: 2, maxBytes: 10, maxWaiting: 3, waitMs: 1_000 };
  return { clock, room: createRoom({ ...bounds, clock, full: () => full, ...options }) };
}

describe('room', () => {
  test('is for so many things and so many bytes; the next ones wait in turn', async () => {
    const { room } = setUp();
    const [first, second] = [await room.take(6), await room.take(4)];
    const entered: string[] = [];
    const third = room.take(5).then((leave) => {
      entered.push('third');
      return leave;
    });
    const fourth = room.take(1).then((leave) => {
      entered.push('fourth');
      return leave;
    });
    second();
    // The fourth would fit, but it is not its turn.
    await Promise.resolve();
    expect(entered).toEqual([]);
    first();
    first();
    await Promise.all([third, fourth]);
    expect(entered).toEqual(['third', 'fourth']);
  });

  test('who waits too long, who is one too many, and who would never fit, is told that it is full', async () => {
    const { room, clock } = setUp();
    const leave = await room.take(10);
    await expect(room.take(11)).rejects.toBe(full);
    const waiting = [room.take(1), room.take(1), room.take(1)];
    const outcomes = Promise.allSettled(waiting);
    await expect(room.take(1)).rejects.toBe(full);
    clock.advance(999);
    leave();
    clock.advance(1);
    const [first, second, third] = await outcomes;
    expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(clock.pending).toBe(0);
  });

  test('is never given to more than fit, and always in the end', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(sizes, async (all) => {
        const { room } = setUp({ maxWaiting: 100 });
        let things = 0;
        let bytes = 0;
        await Promise.all(
          all.map(async (size) => {
            const leave = await room.take(size);
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

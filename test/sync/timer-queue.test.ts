// Many entries with one timer: each comes due at its own time, whatever else is scheduled and cancelled.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTimerQueue, type TimerEntry } from '../../src/sync/timer-queue.ts';
import { createFakeClock } from '../support/fake-clock.ts';

interface Entry extends TimerEntry<Entry> {
  readonly name: number;
}

const delayMs = 15_000;
const createEntry = (name: number): Entry => ({ name, previous: undefined, next: undefined, dueAt: 0 });

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('schedule' as const, 'cancel' as const), index: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 400, 14_999, 15_000) }),
);

test('each entry comes due once, exactly after its delay, and not after it was cancelled', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = createFakeClock();
      const entries = Array.from({ length: 6 }, (_, name) => createEntry(name));
      const expected = new Map<number, number>();
      const timers = createTimerQueue<Entry>(clock, delayMs, ({ name }) => {
        expect(expected.get(name)).toBe(clock.monotonic());
        expected.delete(name);
      });
      for (const next of [...steps, { kind: 'time' as const, ms: delayMs }]) {
        if (next.kind === 'time') clock.advance(next.ms);
        else {
          const entry = entries[next.index] ?? createEntry(next.index);
          timers.cancel(entry);
          expected.delete(entry.name);
          if (next.kind === 'schedule') {
            timers.schedule(entry);
            expected.set(entry.name, clock.monotonic() + delayMs);
          }
        }
        expect([...expected.values()].filter((due) => due <= clock.monotonic())).toEqual([]);
        // Without entries, no timer keeps the process alive.
        expect(clock.pending).toBe(expected.size > 0 ? 1 : 0);
      }
    }),
  );
});

test('an entry that is scheduled again when it comes due waits the full delay', () => {
  const clock = createFakeClock();
  const dueTimes: number[] = [];
  const timers = createTimerQueue<Entry>(clock, delayMs, (entry) => {
    dueTimes.push(clock.monotonic());
    timers.schedule(entry);
  });
  timers.schedule(createEntry(0));
  clock.advance(5);
  timers.schedule(createEntry(1));
  clock.advance(2 * delayMs);
  expect(dueTimes).toEqual([delayMs, delayMs + 5, 2 * delayMs, 2 * delayMs + 5]);
});

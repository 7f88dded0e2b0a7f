// Many sockets with one timer: each rings at its own time, whatever is set and cancelled meanwhile.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAlarm, type Sleeper } from '../../src/sync/alarm.ts';
import { createFakeClock } from '../support/fake-clock.ts';

interface Guest extends Sleeper<Guest> {
  readonly name: number;
}

const waitMs = 15_000;
const guest = (name: number): Guest => ({ name, earlier: undefined, later: undefined, dueAt: 0 });

const step = fc.oneof(
  fc.record({ kind: fc.constantFrom('set' as const, 'cancel' as const), who: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 400, 14_999, 15_000) }),
);

test('each rings once, exactly when its time is over, and none that was cancelled', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = createFakeClock();
      const guests = Array.from({ length: 6 }, (_, name) => guest(name));
      const expected = new Map<number, number>();
      const alarm = createAlarm<Guest>(clock, waitMs, ({ name }) => {
        expect(expected.get(name)).toBe(clock.monotonic());
        expected.delete(name);
      });
      for (const next of [...steps, { kind: 'time' as const, ms: waitMs }]) {
        if (next.kind === 'time') clock.advance(next.ms);
        else {
          const one = guests[next.who] ?? guest(next.who);
          alarm.cancel(one);
          expected.delete(one.name);
          if (next.kind === 'set') {
            alarm.set(one);
            expected.set(one.name, clock.monotonic() + waitMs);
          }
        }
        expect([...expected.values()].filter((due) => due <= clock.monotonic())).toEqual([]);
        // An alarm for nobody keeps no process alive.
        expect(clock.pending).toBe(expected.size > 0 ? 1 : 0);
      }
    }),
  );
});

test('one that is set again while it rings waits its time again', () => {
  const clock = createFakeClock();
  const rung: number[] = [];
  const alarm = createAlarm<Guest>(clock, waitMs, (one) => {
    rung.push(clock.monotonic());
    alarm.set(one);
  });
  alarm.set(guest(0));
  clock.advance(5);
  alarm.set(guest(1));
  clock.advance(2 * waitMs);
  expect(rung).toEqual([waitMs, waitMs + 5, 2 * waitMs, 2 * waitMs + 5]);
});

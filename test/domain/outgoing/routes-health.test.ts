// Which route of an SMS is tried first: by turns, and last those whose phones fail or are silent.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OutgoingMessage } from '../../../src/domain/outgoing/message.ts';
import { createRoutesHealth, type RouteFault } from '../../../src/domain/outgoing/routes-health.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const minute = 60_000;
const report = (route: string, state: OutgoingMessage['state'], sentAt?: number) => ({
  state,
  route,
  times: { queued: 1, ...(sentAt !== undefined && { sent: sentAt }) },
});

function createFixture(maxFailures = 3) {
  const clock = createFakeClock();
  const faults: RouteFault[] = [];
  const routes = createRoutesHealth({
    maxFailures,
    clock,
    log: createMemoryLog(),
    onPassedOver: (why) => faults.push(why),
  });
  const fail = (route: string, times: number): void => {
    for (let n = 0; n < times; n++) routes.changed(report(route, 'failed'));
  };
  return { clock, faults, routes, fail };
}

test('networks take turns, before the phones that listen by name', () => {
  const { routes } = createFixture();
  const order = () => routes.order(['a', 'b', 'c'], ['name']).join('');
  expect([order(), order(), order(), order()]).toEqual(['abcname', 'bcaname', 'cabname', 'abcname']);
  expect(routes.order(['x'], [])).toEqual(['x']);
});

describe('a route whose phones fail', () => {
  test('is the last for ten minutes, and again after one more failure', () => {
    const { clock, faults, routes, fail } = createFixture();
    fail('a', 2);
    expect(routes.order(['a'], ['name'])).toEqual(['a', 'name']);
    fail('a', 1);
    expect(routes.order(['a'], ['name'])).toEqual(['name', 'a']);
    expect(routes.order(['a'], [])).toEqual(['a']);
    expect(routes.passedOver()).toEqual([{ route: 'a', why: 'failed', leftMs: 10 * minute }]);
    clock.advance(10 * minute);
    expect(routes.order(['a'], ['name'])).toEqual(['a', 'name']);
    expect(routes.passedOver()).toEqual([]);
    fail('a', 1);
    expect(routes.order(['a'], ['name'])).toEqual(['name', 'a']);
    expect(faults).toEqual(['failed', 'failed']);
  });

  test('is tried first again as soon as one is sent, and failures count in a row', () => {
    const { routes, fail } = createFixture();
    for (const state of ['sent', 'delivered'] as const) {
      fail('a', 3);
      expect(routes.passedOver()).toHaveLength(1);
      routes.changed(report('a', state));
      expect(routes.passedOver()).toEqual([]);
      fail('a', 2);
      routes.changed(report('a', state));
    }
    expect(routes.passedOver()).toEqual([]);
  });

  test('is not blamed for SMS that it sent and that were not delivered, nor for what phones do not report', () => {
    const { routes } = createFixture();
    for (let n = 0; n < 9; n++) {
      routes.changed(report('a', 'failed', 5));
      routes.changed(report('a', 'expired'));
      routes.changed(report('a', 'cancelled'));
    }
    expect(routes.passedOver()).toEqual([]);
  });

  test('is never passed over with 0', () => {
    const { routes, fail } = createFixture(0);
    fail('a', 2_000);
    expect(routes.passedOver()).toEqual([]);
  });
});

describe('a route whose phones report nothing', () => {
  const take = ({ routes }: ReturnType<typeof createFixture>, route: string, count: number): void => {
    for (let n = 0; n < count; n++) routes.taken(route);
  };

  test('is the last while others report', () => {
    const fixture = createFixture();
    const { clock, routes } = fixture;
    take(fixture, 'a', 3);
    take(fixture, 'b', 3);
    clock.advance(10 * minute);
    expect(routes.order(['a'], ['b'])).toEqual(['a', 'b']);
    routes.changed(report('b', 'sent'));
    expect(routes.order(['a'], ['b'])).toEqual(['b', 'a']);
    expect(routes.passedOver()).toMatchObject([{ route: 'a', why: 'silent' }]);
    routes.changed(report('a', 'sent'));
    expect(routes.order(['a'], ['b'])).toEqual(['a', 'b']);
  });

  test('has time to report, and more than one SMS to report on', () => {
    const fixture = createFixture();
    const { clock, routes } = fixture;
    take(fixture, 'a', 3);
    take(fixture, 'c', 2);
    clock.advance(9 * minute);
    routes.changed(report('b', 'sent'));
    expect(routes.order(['a'], ['b'])).toEqual(['a', 'b']);
    clock.advance(5 * minute);
    expect(routes.order(['c'], ['b'])).toEqual(['c', 'b']);
  });
});

test('every route is tried once, whatever was reported', () => {
  const route = fc.constantFrom('a', 'b', 'c', 'd');
  const event = fc.record({ route, kind: fc.constantFrom('taken', 'failed', 'sent', 'wait') });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const { clock, routes } = createFixture(2);
      for (const { route: key, kind } of events) {
        if (kind === 'taken') routes.taken(key);
        else if (kind === 'wait') clock.advance(7 * minute);
        else routes.changed(report(key, kind === 'sent' ? 'sent' : 'failed'));
        const order = routes.order(['a', 'b', 'c'], ['d']);
        expect(order.toSorted()).toEqual(['a', 'b', 'c', 'd']);
        const last = new Set(routes.passedOver().map((each) => each.route));
        const firstLast = order.findIndex((each) => last.has(each));
        if (firstLast >= 0) expect(order.slice(firstLast).every((each) => last.has(each))).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});

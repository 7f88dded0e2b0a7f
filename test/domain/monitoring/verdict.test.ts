// The sentence of the Overview, and since when dependencies are in their state.

import { describe, expect, test } from 'vitest';
import { createHealthLog } from '../../../src/domain/monitoring/health-log.ts';
import type { HealthEntry } from '../../../src/domain/monitoring/model.ts';
import { type FlowFacts, verdictOf } from '../../../src/domain/monitoring/verdict.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const quiet: FlowFacts = {
  minutes: 5,
  inbound: 0,
  refused: 0,
  published: 0,
  publishFailed: 0,
  waiting: 0,
  deadLetters: 0,
  overdueSms: undefined,
  health: [],
};
const entry = (name: string, state: string, required = false): HealthEntry => ({
  name,
  state,
  required,
  since: 1_000,
  checkedAt: 2_000,
});
/** As the page shows it, with the time in place of a clock's. */
const sentence = (facts: Partial<FlowFacts>): string => {
  const { level, text, since, detail } = verdictOf({ ...quiet, ...facts });
  return `${level}: ${text}${since === undefined ? '' : ` since ${since}`}${detail === undefined ? '' : `: ${detail}`}`;
};

describe('the verdict', () => {
  test.each<[Partial<FlowFacts>, string]>([
    [{ inbound: 12, published: 12 }, 'ok: Messages flow: 12 in, 12 published in the last 5 minutes'],
    [{}, 'idle: No messages in the last 5 minutes'],
    [{ waiting: undefined, deadLetters: undefined }, 'idle: No messages in the last 5 minutes'],
    [
      { inbound: 3, published: 2, waiting: 1 },
      'ok: Messages flow: 3 in, 2 published in the last 5 minutes: 1 message waits',
    ],
    [
      { waiting: 37, publishFailed: 4, health: [entry('publisher', 'failing')] },
      'failure: Publisher fails since 1000: 37 messages wait',
    ],
    [
      { inbound: 1, published: 1, health: [entry('relay', 'unreachable')] },
      'warning: RelaySMS Publisher is unreachable since 1000: nothing waits',
    ],
    [
      { inbound: 9, health: [entry('publisher', 'failing'), entry('store', 'unreachable', true)] },
      'failure: Store is unreachable since 1000: this node serves no requests',
    ],
    [
      { inbound: 2, publishFailed: 2, waiting: 2 },
      'failure: No message was published in the last 5 minutes: 2 messages wait',
    ],
    [
      { overdueSms: { count: 12, minutes: 10 } },
      'warning: No messages in the last 5 minutes: 12 SMS have waited for a phone for over 10 minutes',
    ],
    [{ refused: 3 }, 'warning: No SMS was accepted in the last 5 minutes: 3 refused'],
    [
      { inbound: 1, published: 1, deadLetters: 2, health: [entry('developer_api', 'unreachable')] },
      'warning: Messages flow: 1 in, 1 published in the last 5 minutes: 2 dead letters to look at, Developer API is unreachable',
    ],
  ])('of %j', (facts, expected) => {
    expect(sentence(facts)).toBe(expected);
  });
});

describe('health', () => {
  const check = (name: string, state: string, more: object = {}) => ({
    name,
    state,
    required: false,
    ...more,
  });

  test('has the time at which a state was first seen, and keeps it while the state lasts', () => {
    const clock = createFakeClock(1_000);
    const log = createHealthLog(clock);
    log.observe([check('store', 'ok'), check('users', 'ok')]);
    clock.advance(5_000);
    log.observe([check('store', 'ok'), check('users', 'unreachable')]);
    clock.advance(5_000);
    log.observe([check('store', 'ok'), check('users', 'unreachable')]);
    expect(log.entries()).toEqual([
      { name: 'users', state: 'unreachable', required: false, since: 6_000, checkedAt: 11_000 },
      { name: 'store', state: 'ok', required: false, since: 1_000, checkedAt: 11_000 },
    ]);
    clock.advance(1_000);
    log.observe([check('users', 'ok')]);
    expect(log.entries()).toEqual([
      { name: 'users', state: 'ok', required: false, since: 12_000, checkedAt: 12_000 },
    ]);
  });

  test('prefers the time and reason of the calls themselves, and the worse of two checks of a name', () => {
    const log = createHealthLog(createFakeClock(9_000));
    log.observe([
      check('store', 'failed', { required: true }),
      check('publisher', 'failing', { since: 4_000, reason: 'answered 500' }),
      check('store', 'ok', { required: true }),
    ]);
    expect(log.entries().map(({ name, state, since, reason }) => [name, state, since, reason])).toEqual([
      ['store', 'failed', 9_000, undefined],
      ['publisher', 'failing', 4_000, 'answered 500'],
    ]);
  });

  test.each([
    ['after the other', [check('store', 'ok', { required: true }), check('store', 'failed')]],
    ['before the other', [check('store', 'failed'), check('store', 'ok', { required: true })]],
  ])('keeps since when one of two checks of a name fails, which is made %s', (_order, found) => {
    const clock = createFakeClock(1_000);
    const log = createHealthLog(clock);
    for (let n = 0; n < 3; n++) {
      log.observe(found);
      clock.advance(5_000);
    }
    expect(log.entries()).toMatchObject([{ state: 'failed', required: true, since: 1_000 }]);
  });
});

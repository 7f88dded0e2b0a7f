// What several nodes have seen of a seed, put together.

import { expect, test } from 'vitest';
import { createSeedActivity, historyOf } from '../../../src/domain/seeds/seed-activity.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const seed = { imsi: '1', msisdn: '+237650000001', seedType: 'seed' } as const;

test('a seed that pings two nodes alternately was silent only while it pinged neither', () => {
  const clock = createFakeClock();
  const start = clock.now();
  const nodes = [createSeedActivity(clock, 20_000), createSeedActivity(clock, 20_000)];
  let last: number | undefined;
  const ping = (node: number, msisdn: string = seed.msisdn): void => {
    const now = clock.monotonic();
    nodes[node]?.pinged({ ...seed, msisdn }, last === undefined ? undefined : now - last);
    last = now;
  };
  for (let n = 0; n < 8; n++) {
    ping(n % 2);
    clock.advance(15_000);
  }
  clock.advance(45_000);
  ping(0, '+237650000002');
  clock.advance(10_000);
  ping(1, '+237650000002');
  const history = () => historyOf(nodes.flatMap((node) => node.timeline(seed.imsi) ?? []));
  const events = [
    { at: start, event: 'first ping since the start of swob' },
    { at: start + 125_000, event: 'silent: no ping' },
    { at: start + 165_000, event: 'back' },
    { at: start + 165_000, event: 'number changed from +237650000001' },
  ];
  expect(history()).toEqual(events);
  clock.advance(20_001);
  expect(history()).toEqual([...events, { at: start + 195_000, event: 'silent: no ping' }]);
});

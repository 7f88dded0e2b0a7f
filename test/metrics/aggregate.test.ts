// The metrics of several processes as one page: sums, maxima, and what ended processes have counted.

import { expect, test } from 'vitest';
import { accumulate, aggregateText } from '../../src/metrics/aggregate.ts';
import { createRegistryOf } from '../../src/metrics/registry.ts';
import { readMetrics } from '../support/prometheus.ts';

const catalogue = {
  events_total: { type: 'counter', help: 'Events.', labels: { kind: ['a', 'b'] } },
  open: { type: 'gauge', help: 'Open connections.', labels: {} },
  stored: { type: 'gauge', help: 'Entries of the shared store.', labels: {}, together: 'max' },
  started: { type: 'gauge', help: 'When the process started.', labels: {}, together: 'min' },
  duration_seconds: { type: 'histogram', help: 'Durations.', labels: { route: 'any' }, buckets: [1, 2] },
} as const;

/** A process that has counted so many events of each kind. */
function countedProcess(a: number, b: number) {
  const registry = createRegistryOf(catalogue);
  const count = registry.counter('events_total');
  count('a', a);
  count('b', b);
  registry.gauge('open', () => [[{}, a]]);
  registry.gauge('stored', () => [[{}, 7]]);
  registry.gauge('started', () => [[{}, 100 + a]]);
  const observe = registry.histogram('duration_seconds')('/a "b"');
  for (let index = 0; index < b; index++) observe(1.5);
  return registry;
}

const valuesOf = (text: string) =>
  Object.fromEntries(
    readMetrics(text).map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(' '), value]),
  );

test('counters, histograms and gauges are added up as the catalogue says', async () => {
  const snapshots = await Promise.all(
    [countedProcess(1, 2), countedProcess(10, 20)].map((each) => each.snapshot()),
  );
  // As they arrive from another process.
  const { text, type } = await aggregateText(JSON.parse(JSON.stringify(snapshots)));
  expect(type).toContain('text/plain');
  expect(valuesOf(text)).toMatchObject({
    'events_total a': 11,
    'events_total b': 22,
    open: 11,
    stored: 7,
    started: 101,
    'duration_seconds_count /a \\"b\\"': 22,
    'duration_seconds_bucket 1 /a \\"b\\"': 0,
    'duration_seconds_bucket 2 /a \\"b\\"': 22,
    'duration_seconds_bucket +Inf /a \\"b\\"': 22,
    'duration_seconds_sum /a \\"b\\"': 33,
  });
});

test('one process has the same values in its own page and in an aggregated one', async () => {
  const registry = countedProcess(3, 4);
  const [own, aggregated] = [await registry.text(), await aggregateText([await registry.snapshot()])];
  expect(valuesOf(aggregated.text)).toEqual(valuesOf(own.text));
});

test('processes that have ended keep their counters and lose their gauges', async () => {
  let ended = await accumulate([], await countedProcess(1, 2).snapshot());
  ended = await accumulate(ended, await countedProcess(10, 20).snapshot());
  const { text } = await aggregateText([ended, await countedProcess(100, 200).snapshot()]);
  expect(valuesOf(text)).toMatchObject({
    'events_total a': 111,
    'events_total b': 222,
    open: 100,
    'duration_seconds_count /a \\"b\\"': 222,
  });
});

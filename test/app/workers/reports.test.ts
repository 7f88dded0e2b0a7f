// What the primary process makes of the reports of its workers: sums, also of a worker that does not respond or has ended.

import { expect, test, vi } from 'vitest';
import { createReports } from '../../../src/app/workers/reports.ts';
import type { MetricsSnapshot } from '../../../src/metrics/aggregate.ts';
import { createMetricsRegistry } from '../../../src/metrics/registry.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createFakeWorker, type FakeWorker } from '../../support/fake-worker.ts';
import { readMetrics } from '../../support/prometheus.ts';

/** The metrics of a worker at which so many phones have paired. */
const metricsOf = (pairings: number) => {
  const registry = createMetricsRegistry();
  registry.counter('swob_pairings_total')('paired', pairings);
  return registry.snapshot();
};

/** Answers the last request for a report. */
function answer(worker: FakeWorker, metrics: MetricsSnapshot): void {
  const asked = worker.messages.findLast(({ kind }) => kind === 'report');
  if (asked?.kind === 'report') worker.report({ kind: 'reported', id: asked.id, report: { metrics } });
}

function createReported() {
  const clock = createFakeClock();
  const one = createFakeWorker(1, 1_001);
  const other = createFakeWorker(2, 1_002);
  const running = new Set([one, other]);
  const reports = createReports({
    count: 2,
    workers: () => [...running].map((process) => ({ slot: process.slot, process, isReady: true })),
    ownMetrics: async () => [],
    clock,
  });
  for (const worker of running) {
    reports.watch(worker);
    void worker.ended.then(() => running.delete(worker));
  }
  let lastId = 0;
  return {
    clock,
    one,
    other,
    /** The first worker asks for the metrics of all. */
    ask: () => one.report({ kind: 'whole', id: ++lastId, part: 'metrics' }),
    /** The sum that it gets. */
    sum: async () => {
      const page = await vi.waitFor(() => {
        const found = one.messages.find((message) => message.kind === 'whole' && message.id === lastId);
        if (found?.kind !== 'whole') throw new Error('there is no page yet');
        return found.text;
      });
      const isPaired = ({ name, labels }: ReturnType<typeof readMetrics>[number]): boolean =>
        name === 'swob_pairings_total' && labels.outcome === 'paired';
      return readMetrics(JSON.parse(page).text).find(isPaired)?.value;
    },
  };
}

test('a worker that does not respond in time counts with what it reported last', async () => {
  const { clock, one, other, ask, sum } = createReported();
  ask();
  answer(one, await metricsOf(1));
  answer(other, await metricsOf(10));
  expect(await sum()).toBe(11);
  ask();
  answer(one, await metricsOf(2));
  clock.advance(1_500);
  expect(await sum()).toBe(12);
});

test('a worker that ends is not waited for', async () => {
  const { one, other, ask, sum } = createReported();
  ask();
  answer(one, await metricsOf(1));
  other.end();
  expect(await sum()).toBe(1);
});

test('the last count of a worker stays, also when it arrives together with an earlier one', async () => {
  const { one, other, ask, sum } = createReported();
  const [own, earlier, last] = [await metricsOf(1), await metricsOf(10), await metricsOf(20)];
  ask();
  answer(one, own);
  answer(other, earlier);
  other.report({ kind: 'stopped', metrics: last });
  other.end();
  expect(await sum()).toBe(21);
  ask();
  answer(one, own);
  expect(await sum()).toBe(21);
});

test('reports leave nothing behind at a worker, however many there are', async () => {
  const { one, other, ask, sum } = createReported();
  const listened = vi.spyOn(other.ended, 'then');
  for (let count = 1; count <= 5; count++) {
    ask();
    answer(one, await metricsOf(count));
    answer(other, await metricsOf(count));
    expect(await sum()).toBe(2 * count);
  }
  expect(listened).not.toHaveBeenCalled();
});

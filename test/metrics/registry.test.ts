// Metrics in Prometheus' format: names, zeros from the start, and no label value that a client could choose.

import { expect, onTestFinished, test, vi } from 'vitest';
import { monitorEventLoop } from '../../src/metrics/event-loop.ts';
import { registerProcessMetrics } from '../../src/metrics/process.ts';
import { createMetricsRegistry, createRegistryOf } from '../../src/metrics/registry.ts';
import { createRequestMeter } from '../../src/metrics/requests.ts';

test('a counter shows every label value as 0 from the start, and ignores unknown values', async () => {
  const kinds: readonly string[] = ['good', 'bad'];
  const registry = createRegistryOf({
    swob_things_total: { type: 'counter', help: 'Things.', labels: { kind: kinds } },
  });
  const count = registry.counter('swob_things_total');
  count('good');
  count('good', 2);
  count('../../etc/passwd');
  const { type, text } = await registry.text();
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(text.trim().split('\n')).toEqual([
    '# HELP swob_things_total Things.',
    '# TYPE swob_things_total counter',
    'swob_things_total{kind="good"} 3',
    'swob_things_total{kind="bad"} 0',
  ]);
});

test('a gauge is collected at each scrape, drops previous labels, and hides no other when it fails', async () => {
  const registry = createRegistryOf({
    swob_queues: { type: 'gauge', help: 'Queues.', labels: { name: 'any' } },
    swob_broken: { type: 'gauge', help: 'Broken.', labels: {} },
    swob_broken_later: { type: 'gauge', help: 'Broken.', labels: {} },
    swob_drops_total: { type: 'counter', help: 'Drops.', labels: {} },
  } as const);
  let samples: [{ name: string }, number][] = [[{ name: 'a' }, 1]];
  registry.gauge('swob_queues', () => samples);
  registry.gauge('swob_broken', () => {
    throw new Error('no');
  });
  registry.gauge('swob_broken_later', () => Promise.reject(new Error('no')));
  registry.observableCounter('swob_drops_total', () => [[{}, 5]]);
  expect((await registry.text()).text).toContain('swob_queues{name="a"} 1\n');
  samples = [[{ name: 'b' }, 2]];
  const { text } = await registry.text();
  expect(text).toContain('swob_queues{name="b"} 2\n');
  expect(text).not.toContain('name="a"');
  // Not 10: each scrape replaces the value.
  expect(text).toContain('swob_drops_total 5\n');
  expect(text).not.toMatch(/^swob_broken/m);
});

test('two registries in one process are independent', async () => {
  const [one, other] = [createMetricsRegistry(), createMetricsRegistry()];
  one.counter('swob_outbox_dead_lettered_total')('message');
  other.counter('swob_outbox_dead_lettered_total');
  expect((await other.text()).text).toContain('swob_outbox_dead_lettered_total{kind="message"} 0');
});

test('requests are counted by route pattern and status class; unknown methods and routes share one series each', async () => {
  const registry = createMetricsRegistry();
  const record = createRequestMeter(registry)('gateway');
  record({ method: 'GET', route: '/seeds/:IMSI', status: 200, ms: 3 });
  record({ method: 'GET', route: '/seeds/:IMSI', status: 204, ms: 30 });
  for (const method of ['PROPFIND', 'BREW']) record({ method, route: undefined, status: 404, ms: 1 });
  const { text } = await registry.text();
  const line = 'service="gateway",method="GET",route="/seeds/:IMSI",status="2xx"';
  expect(text).toContain(`swob_http_requests_total{${line}} 2\n`);
  expect(text).toContain(
    'swob_http_requests_total{service="gateway",method="other",route="none",status="4xx"} 2\n',
  );
  expect(text).toContain(`swob_http_request_duration_seconds_bucket{le="0.005",${line}} 1\n`);
  expect(text).toContain(`swob_http_request_duration_seconds_count{${line}} 2\n`);
  expect(text).toContain(`swob_http_request_duration_seconds_sum{${line}} 0.033\n`);
});

test('process metrics have the usual names', async () => {
  const registry = createMetricsRegistry();
  registerProcessMetrics(registry, '1.2.3');
  const { text } = await registry.text();
  expect(text).toContain(`swob_build_info{version="1.2.3",node="${process.version}"} 1\n`);
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_open_fds']) {
    expect(Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])).toBeGreaterThan(0);
  }
  const started = Number(/^process_start_time_seconds (\S+)$/m.exec(text)?.[1]);
  expect(Math.abs(Date.now() / 1_000 - process.uptime() - started)).toBeLessThan(5);
});

test('a blocked event loop is measured', async () => {
  const registry = createMetricsRegistry();
  const loop = monitorEventLoop(registry);
  onTestFinished(loop.stop);
  const max = async (): Promise<number> =>
    Number(/^swob_event_loop_delay_seconds\{stat="max"\} (\S+)$/m.exec((await registry.text()).text)?.[1]);
  expect(await max()).toBe(0);
  loop.recordActivity();
  // The measurement has a timer: each round lets it start, be late, and record the delay.
  await vi.waitFor(
    async () => {
      await new Promise(setImmediate);
      const until = performance.now() + 150;
      while (performance.now() < until);
      await new Promise(setImmediate);
      expect(await max()).toBeGreaterThan(0.1);
    },
    { interval: 30, timeout: 10_000 },
  );
});

test('the event loop is measured while there is work, and for ten to twenty seconds after it', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const loop = monitorEventLoop(createMetricsRegistry());
  onTestFinished(loop.stop);
  expect(vi.getTimerCount()).toBe(0);
  loop.recordActivity();
  loop.recordActivity();
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  loop.recordActivity();
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
  loop.recordActivity();
  expect(vi.getTimerCount()).toBe(1);
});

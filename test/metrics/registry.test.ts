// Metrics as Prometheus reads them: names, zeros from the beginning, and no label that a client could choose.

import { expect, onTestFinished, test, vi } from 'vitest';
import { monitorEventLoop } from '../../src/metrics/event-loop.ts';
import { registerProcess } from '../../src/metrics/process.ts';
import { createRegistry } from '../../src/metrics/registry.ts';
import { createRequestMeter } from '../../src/metrics/requests.ts';

test('a counter shows what it knows as 0 from the beginning, and never a label that it does not know', async () => {
  const registry = createRegistry();
  // Of any string, as callers from outside of the types have it.
  const count = registry.counter<string>('swob_things_total', 'Things.', 'kind', ['good', 'bad']);
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

test('a gauge is read when asked, forgets labels that are gone, and hides no other when it fails', async () => {
  const registry = createRegistry();
  let readings: [string[], number][] = [[['a'], 1]];
  registry.gauge('swob_rooms', 'Rooms.', ['name'], () => readings);
  registry.gauge('swob_broken', 'Broken.', [], () => {
    throw new Error('no');
  });
  registry.gauge('swob_broken_later', 'Broken.', [], () => Promise.reject(new Error('no')));
  registry.readCounter('swob_drops_total', 'Drops.', [], () => [[[], 5]]);
  expect((await registry.text()).text).toContain('swob_rooms{name="a"} 1\n');
  readings = [[['b'], 2]];
  const { text } = await registry.text();
  expect(text).toContain('swob_rooms{name="b"} 2\n');
  expect(text).not.toContain('name="a"');
  // Not 10: it is read, not added to.
  expect(text).toContain('swob_drops_total 5\n');
  expect(text).not.toMatch(/^swob_broken/m);
});

test('two registries in one process know nothing of each other', async () => {
  const [one, other] = [createRegistry(), createRegistry()];
  one.counter('swob_same_total', 'Same.', 'kind', ['x'])('x');
  other.counter('swob_same_total', 'Same.', 'kind', ['x']);
  expect((await other.text()).text).toContain('swob_same_total{kind="x"} 0');
});

test('requests are counted by pattern and class of status; unknown methods and routes are one each', async () => {
  const registry = createRegistry();
  const served = createRequestMeter(registry)('gateway');
  served({ method: 'GET', route: '/seeds/:IMSI', status: 200, ms: 3 });
  served({ method: 'GET', route: '/seeds/:IMSI', status: 204, ms: 30 });
  for (const method of ['PROPFIND', 'BREW']) served({ method, route: undefined, status: 404, ms: 1 });
  const { text } = await registry.text();
  const line = 'service="gateway",method="GET",route="/seeds/:IMSI"';
  expect(text).toContain(`swob_http_requests_total{${line},status="2xx"} 2\n`);
  expect(text).toContain(
    'swob_http_requests_total{service="gateway",method="other",route="none",status="4xx"} 2\n',
  );
  expect(text).toContain(`swob_http_request_duration_seconds_bucket{le="0.005",${line}} 1\n`);
  expect(text).toContain(`swob_http_request_duration_seconds_count{${line}} 2\n`);
  expect(text).toContain(`swob_http_request_duration_seconds_sum{${line}} 0.033\n`);
});

test('the process shows itself under the usual names', async () => {
  const registry = createRegistry();
  registerProcess(registry, '1.2.3');
  const { text } = await registry.text();
  expect(text).toContain(`swob_build_info{version="1.2.3",node="${process.version}"} 1\n`);
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_open_fds']) {
    expect(Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])).toBeGreaterThan(0);
  }
  const started = Number(/^process_start_time_seconds (\S+)$/m.exec(text)?.[1]);
  expect(Math.abs(Date.now() / 1_000 - process.uptime() - started)).toBeLessThan(5);
});

test('a blocked event loop shows', async () => {
  const registry = createRegistry();
  const loop = monitorEventLoop(registry);
  onTestFinished(loop.stop);
  const max = async (): Promise<number> =>
    Number(/^swob_event_loop_delay_seconds\{stat="max"\} (\S+)$/m.exec((await registry.text()).text)?.[1]);
  expect(await max()).toBe(0);
  loop.busy();
  // Measuring is a timer of its own: each round lets it begin, be late, and notice.
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

test('the event loop is measured while there is work, and ten to twenty seconds longer', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const loop = monitorEventLoop(createRegistry());
  onTestFinished(loop.stop);
  expect(vi.getTimerCount()).toBe(0);
  loop.busy();
  loop.busy();
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  loop.busy();
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
  loop.busy();
  expect(vi.getTimerCount()).toBe(1);
});

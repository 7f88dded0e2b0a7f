// The monitor with a memory store and a fake clock: sampling, saving, restoring, and other nodes.

import { expect, onTestFinished, test, vi } from 'vitest';
import { bucketAt } from '../../../src/domain/monitoring/history.ts';
import { createMonitor, type MonitorDeps } from '../../../src/domain/monitoring/monitor.ts';
import type { MonitoringStore } from '../../../src/domain/monitoring/ports.ts';
import type { Totals } from '../../../src/domain/monitoring/sampler.ts';
import { createMemoryMonitoring } from '../../../src/store/memory/monitoring.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const bounds = { maxNodes: 8, nodeTtlMs: 86_400_000, historyTtlMs: 31 * 86_400_000 };

/** Lets promises of one tick settle. */
const settle = async () => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

async function seconds(clock: FakeClock, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    clock.advance(1_000);
    await settle();
  }
}

function setUp(given: Partial<MonitorDeps> & { readonly clock?: FakeClock } = {}) {
  const clock = given.clock ?? createFakeClock(1_790_000_040_500);
  const store: MonitoringStore = given.store ?? createMemoryMonitoring(clock, bounds);
  const log = createMemoryLog();
  const totals: { -readonly [K in keyof Totals]: Totals[K] } = { inbound: 0, published: 0, memory: 1_000 };
  const monitor = createMonitor({
    isShared: false,
    name: 'a',
    identity: { instance: `instance of ${given.name ?? 'a'}`, version: '1', services: ['gateway'] },
    totals: () => ({ ...totals }),
    outbox: async () => ({ waiting: 4, deadLetters: 1 }),
    overdueSms: undefined,
    checkHealth: async () => [{ name: 'store', state: 'ok', required: true }],
    log,
    ...given,
    store,
    clock,
  });
  onTestFinished(() => monitor.stop());
  monitor.start();
  return { monitor, clock, store, log, totals };
}

test('records what was counted in each second, without gaps', async () => {
  const { monitor, clock, totals } = setUp();
  for (let n = 1; n <= 70; n++) {
    totals.inbound = (totals.inbound ?? 0) + n;
    await seconds(clock, 1);
  }
  const last = bucketAt(clock.now(), 1) - 1;
  const recent = [2, 1, 0].map((back) => monitor.history.value(1, last - back, 'inbound'));
  expect(recent).toEqual([68, 69, 70]);
  expect(monitor.history.buckets(1, 0)).toHaveLength(70);
  expect(monitor.history.value(1, last, 'waiting')).toBe(4);
  expect(monitor.history.value(1, last, 'loop_delay')).toBe(0);
});

test('a second that nobody counted is a gap, and the events are counted later', async () => {
  const { monitor, clock, totals } = setUp();
  await seconds(clock, 3);
  totals.inbound = 5;
  // As after a suspended machine: the wall clock is ahead.
  clock.setWall(clock.now() + 60_000);
  await seconds(clock, 1);
  const kept = monitor.history.buckets(1, 0);
  expect(kept).toHaveLength(4);
  expect((kept[3] ?? 0) - (kept[2] ?? 0)).toBe(61);
  expect(monitor.history.value(1, kept[3] ?? 0, 'inbound')).toBe(5);
});

test('saves once a minute and at the stop, and continues after a restart', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  const saves = vi.spyOn(store, 'saveHistory');
  const first = setUp({ clock, store });
  first.totals.inbound = 3;
  await seconds(clock, 125);
  expect(saves).toHaveBeenCalledTimes(2);
  first.totals.inbound = 10;
  await seconds(clock, 1);
  await first.monitor.stop();
  expect(saves).toHaveBeenCalledTimes(3);
  const second = setUp({ clock, store });
  second.totals.inbound = 2;
  await seconds(clock, 2);
  const sum = second.monitor.history
    .buckets(3_600, 0)
    .reduce((total, bucket) => total + (second.monitor.history.value(3_600, bucket, 'inbound') ?? 0), 0);
  expect(sum).toBe(12);
});

test('a store that is unavailable at the start does not lose its history: it is restored before the first save', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  const before = setUp({ clock, store });
  before.totals.inbound = 8;
  await seconds(clock, 2);
  await before.monitor.stop();

  const { history } = store;
  store.history = async () => Promise.reject(new Error('no connection'));
  const { monitor, totals, log } = setUp({ clock, store });
  totals.inbound = 1;
  await seconds(clock, 120);
  expect(log.lines.map(({ message }) => message)).toEqual([
    'cannot save the monitoring history; tried again every minute',
  ]);
  store.history = history;
  await seconds(clock, 60);
  expect(log.lines.at(-1)?.message).toBe('the monitoring history is saved again');
  const sum = monitor.history
    .buckets(60, 0)
    .reduce((total, bucket) => total + (monitor.history.value(60, bucket, 'inbound') ?? 0), 0);
  expect(sum).toBe(9);
});

test('a history that cannot be read is reported, and a new one begins', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  await store.saveHistory({ node: 'a', savedAt: clock.now(), text: 'not one' });
  const { log, monitor } = setUp({ clock, store });
  await seconds(clock, 2);
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { node: 'a' } }]);
  expect(monitor.history.buckets(60, 0)).toHaveLength(1);
});

test('nodes of a shared store see each other, and their counts are added', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  const publishes = vi.spyOn(store, 'publish');
  const a = setUp({ clock, store, isShared: true, name: 'a' });
  const b = setUp({ clock, store, isShared: true, name: 'b' });
  a.totals.inbound = 2;
  b.totals.inbound = 3;
  await seconds(clock, 150);
  // Every two seconds for each node.
  expect(publishes.mock.calls.length).toBeGreaterThan(140);
  expect(publishes.mock.calls.length).toBeLessThanOrEqual(152);
  b.totals.inbound = 10;
  await seconds(clock, 3);
  const seen = await a.monitor.overview('1h');
  const sumOf = (column: readonly (number | null)[]) =>
    column.reduce<number>((sum, each) => sum + (each ?? 0), 0);
  expect(sumOf(seen.window.columns.inbound)).toBe(12);
  expect(seen.verdict.text).toBe('Messages flow: 12 in, 0 published in the last 5 minutes');
  expect(seen.nodes.map(({ name, isThis, isAlive }) => [name, isThis, isAlive])).toEqual([
    ['a', true, true],
    ['b', false, true],
  ]);
  expect(sumOf((await a.monitor.overview('10m')).window.columns.inbound)).toBe(12);

  await b.monitor.stop();
  await seconds(clock, 60);
  const later = await a.monitor.overview('1h');
  expect(later.nodes[1]).toMatchObject({ name: 'b', isAlive: false });
  expect(clock.now() - (later.nodes[1]?.lastSeen ?? 0)).toBeGreaterThan(55_000);
  expect(sumOf(later.window.columns.inbound)).toBe(12);
});

const identityOf = (instance: string) => ({ instance, version: '1', services: ['gateway'] });
const inboundOf = async ({ monitor }: ReturnType<typeof setUp>) =>
  (await monitor.overview('1h')).window.columns.inbound.reduce<number>((sum, each) => sum + (each ?? 0), 0);

test('a second process with the name of a live one says so, and no history is lost or counted twice', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  const shared = { clock, store, isShared: true, name: 'a' };
  const first = setUp({ ...shared, identity: identityOf('99999999-1') });
  first.totals.inbound = 5;
  await seconds(clock, 70);
  const second = setUp({ ...shared, identity: identityOf('11111111-1') });
  second.totals.inbound = 2;
  await seconds(clock, 130);
  const name = 'a~11111111';
  expect(second.log.lines).toMatchObject([{ level: 'warn', fields: { node: 'a', shownAs: name } }]);
  expect(first.log.lines).toEqual([]);
  expect((await store.historyNodes()).sort()).toEqual(['a', name]);
  expect([await inboundOf(first), await inboundOf(second)]).toEqual([7, 7]);
  const { nodes } = await first.monitor.overview('1h');
  expect(nodes).toMatchObject([{ name: 'a' }, { name, duplicateOf: 'a', isAlive: true }]);
});

test('of two processes that start together with one name, one keeps it', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const shared = { clock, store: createMemoryMonitoring(clock, bounds), isShared: true, name: 'a' };
  const both = ['1', '2'].map((instance) => setUp({ ...shared, identity: identityOf(instance) }));
  await seconds(clock, 10);
  expect(both.map(({ monitor }) => monitor.name()).sort()).toEqual(['a', 'a~1']);
});

test('a restart keeps the name and the history, immediately after a stop and within seconds after a crash', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  let hasCrashed = false;
  const crashing: MonitoringStore = {
    ...store,
    publish: async (...args) => (hasCrashed ? undefined : store.publish(...args)),
  };
  const start = (instance: string, on = store) =>
    setUp({ clock, store: on, isShared: true, name: 'a', identity: identityOf(instance) });
  const first = start('1');
  first.totals.inbound = 3;
  await seconds(clock, 5);
  await first.monitor.stop();
  const second = start('2', crashing);
  await seconds(clock, 3);
  expect([second.monitor.name(), await inboundOf(second)]).toEqual(['a', 3]);
  await seconds(clock, 60);
  hasCrashed = true;
  const third = start('3');
  await seconds(clock, 15);
  expect([third.monitor.name(), await inboundOf(third)]).toEqual(['a', 3]);
  expect(third.log.lines).toEqual([]);
});

test('nothing is published after the stop', async () => {
  const clock = createFakeClock(1_790_000_040_500);
  const store = createMemoryMonitoring(clock, bounds);
  const { publish } = store;
  let release = (): void => {};
  store.publish = vi.fn(async (...args: Parameters<typeof publish>) => {
    if (!args[1].isStopped) await new Promise<void>((resolve) => (release = resolve));
    return publish(...args);
  });
  const { monitor } = setUp({ clock, store, isShared: true });
  for (let n = 0; n < 30 && vi.mocked(store.publish).mock.calls.length === 0; n++) await seconds(clock, 1);
  const stopped = monitor.stop();
  await settle();
  release();
  await stopped;
  await settle();
  expect(await store.nodes()).toMatchObject([{ name: 'a', state: { isStopped: true } }]);
});

test('a store of one process is not written to by presence', async () => {
  const { store, clock, monitor } = setUp();
  const publish = vi.spyOn(store, 'publish');
  await seconds(clock, 10);
  expect(publish).not.toHaveBeenCalled();
  expect((await monitor.overview('10m')).nodes).toHaveLength(1);
});

test('checks health once a minute, and more often while a page shows the result', async () => {
  let checks = 0;
  const checkHealth = async () => {
    checks++;
    return [{ name: 'publisher', state: 'failing', required: false, since: 5, reason: 'answered 500' }];
  };
  const { clock, monitor } = setUp({ checkHealth });
  await seconds(clock, 59);
  expect(checks).toBe(0);
  await seconds(clock, 62);
  expect(checks).toBe(2);
  for (let n = 0; n < 12; n++) {
    await monitor.overview('1h');
    clock.advance(1_000);
  }
  expect(checks).toBe(4);
  const { health, verdict } = await monitor.overview('1h');
  expect(health).toMatchObject([{ name: 'publisher', since: 5, reason: 'answered 500' }]);
  expect(verdict).toMatchObject({ text: 'Publisher fails', since: 5, detail: '4 messages wait' });
});

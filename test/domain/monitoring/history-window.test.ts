// Windows for plots: merging of nodes, grouping, percentiles, and changes that a page applies.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketAt, createHistory } from '../../../src/domain/monitoring/history.ts';
import {
  changeOf,
  percentileOf,
  rangeNames,
  ranges,
  recentSum,
  windowOf,
} from '../../../src/domain/monitoring/history-window.ts';
import { latencyBoundsMs } from '../../../src/domain/monitoring/series.ts';
import { applyChange } from '../../../src/web/console/history-window.ts';

const start = 1_790_000_100_000;

test('nodes are added for counts, and the greatest counts where all see the same', () => {
  const [a, b, silent] = [createHistory(), createHistory(), createHistory()];
  a.record(start, { inbound: 2, waiting: 7, sockets: 3, memory: 10 });
  b.record(start, { inbound: 5, waiting: 6, sockets: 4, memory: 30 });
  const window = windowOf([a, b, silent], ranges['1h'], start);
  const lastOf = (name: 'inbound' | 'waiting' | 'sockets' | 'memory' | 'published') =>
    window.columns[name].at(-1);
  expect([lastOf('inbound'), lastOf('waiting'), lastOf('sockets'), lastOf('memory')]).toEqual([7, 7, 7, 30]);
  expect(lastOf('published')).toBeNull();
  expect(window.columns.inbound.slice(0, -1).every((value) => value === null)).toBe(true);
});

test('every range ends with the running period, but seconds with the last whole one', () => {
  const history = createHistory();
  for (let n = 0; n < 7_200; n++) history.record(start + n * 1_000, { inbound: 1 });
  const now = start + 7_200_000;
  for (const name of rangeNames) {
    const { step, group, length } = ranges[name];
    const window = windowOf([history], ranges[name], now);
    expect([window.step, window.length, window.columns.inbound.length]).toEqual([
      step * group,
      length,
      length,
    ]);
    const end = (window.first + length) * window.step * 1_000;
    expect(end - now).toBeGreaterThan(-window.step * 1_000);
    expect(end - now).toBeLessThanOrEqual(window.step * 1_000);
    const sum = window.columns.inbound.reduce<number>((total, value) => total + (value ?? 0), 0);
    expect(sum).toBe(
      Math.min(7_200, length * window.step, name === '1h' ? 3_540 + ((now / 1_000) % 60) : 7_200),
    );
  }
  expect(recentSum([history, history], ['inbound', 'published'], 5, now)).toBe(
    2 * (240 + ((now / 1_000) % 60)),
  );
});

describe('percentiles of latency', () => {
  const calls = (...counts: number[]) => latencyBoundsMs.map((_, index) => counts[index] ?? 0).concat(0);

  test('are interpolated within their class', () => {
    expect(percentileOf(calls(), 0.5)).toBeNull();
    expect(percentileOf(calls(10), 0.5)).toBe(2.5);
    expect(percentileOf(calls(0, 0, 4), 0.5)).toBe(17.5);
    expect(percentileOf(calls(50, 45, 5), 0.95)).toBe(10);
    expect(percentileOf([...latencyBoundsMs.map(() => 0), 3], 0.5)).toBe(10_000);
  });

  test('come from the calls of all nodes together', () => {
    const [a, b] = [createHistory(), createHistory()];
    a.record(start, { pcrf_calls_0: 90, radius_calls_4: 2 });
    b.record(start, { pcrf_calls_5: 10 });
    const { columns } = windowOf([a, b], ranges['1h'], start);
    expect([columns.pcrf_p50.at(-1), columns.pcrf_p95.at(-1)]).toEqual([2.8, 175]);
    expect([columns.radius_p50.at(-1), columns.radius_p50.at(-2)]).toEqual([75, null]);
  });
});

describe('a change', () => {
  const steps = fc.array(
    fc.record({
      wait: fc.integer({ min: 0, max: 400 }),
      inbound: fc.nat(5),
      back: fc.integer({ min: 0, max: 90 }),
    }),
    { minLength: 1, maxLength: 12 },
  );

  test('turns what a page shows into the next window, whatever has changed meanwhile', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(...rangeNames), (all, name) => {
        const history = createHistory();
        let now = start;
        let shown = windowOf([history], ranges[name], now);
        for (const { wait, inbound, back } of all) {
          now += wait * 1_000;
          // As from another node that is late.
          history.record(now - back * 1_000, { inbound, pcrf_calls_1: inbound });
          const next = windowOf([history], ranges[name], now);
          const change = changeOf(shown, next);
          if (change) expect(change.length).toBeGreaterThan(0);
          shown = change ? applyChange(shown, change) : shown;
          expect(shown).toEqual(next);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('of a second has one period, not the whole window', () => {
    const history = createHistory();
    for (let n = 0; n < 600; n++) history.record(start + n * 1_000, { inbound: n });
    const before = windowOf([history], ranges['10m'], start + 600_000);
    history.record(start + 600_000, { inbound: 9 });
    const change = changeOf(before, windowOf([history], ranges['10m'], start + 601_000));
    expect(change).toMatchObject({ first: bucketAt(start, 1) + 600, length: 1 });
    expect(change?.columns.inbound).toEqual([9]);
    expect(changeOf(before, before)).toBeUndefined();
  });

  test('to another range, or after a clock that went back, is everything', () => {
    const history = createHistory();
    const hour = windowOf([history], ranges['1h'], start);
    const minutes = windowOf([history], ranges['10m'], start);
    expect(changeOf(hour, minutes)?.length).toBe(600);
    const earlier = windowOf([history], ranges['1h'], start - 120_000);
    const change = changeOf(hour, earlier);
    expect(change && applyChange(hour, change)).toEqual(earlier);
  });
});

// The history's ring buffers and its text, against a model that keeps every sample.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bucketAt,
  createHistory,
  type History,
  maxValue,
  resolutions,
} from '../../../src/domain/monitoring/history.ts';
import { decodeInto, encodeHistory } from '../../../src/domain/monitoring/history-codec.ts';
import { type SeriesValues, seriesNames } from '../../../src/domain/monitoring/series.ts';

const start = 1_790_000_000_000;
/** A history is half a megabyte. */
const effort = { numRuns: 15 };

/** A pause or a step of the wall clock, in seconds, and the values of the sample after it. */
const samples = fc.array(
  fc.record({
    step: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.integer({ min: -4_000, max: 100_000 })),
    inbound: fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: undefined }),
    memory: fc.option(fc.integer({ min: 0, max: 4_000_000_000 }), { nil: undefined }),
  }),
  { maxLength: 60 },
);

interface Sample {
  readonly at: number;
  readonly values: SeriesValues;
}

function timed(
  steps: readonly { step: number; inbound?: number | undefined; memory?: number | undefined }[],
) {
  let at = start;
  return steps.map(({ step, inbound, memory }): Sample => {
    at += step * 1_000;
    return {
      at,
      values: { ...(inbound !== undefined && { inbound }), ...(memory !== undefined && { memory }) },
    };
  });
}

function recorded(all: readonly Sample[]): History {
  const history = createHistory();
  for (const { at, values } of all) history.record(at, values);
  return history;
}

/** Samples of a period that no later sample has displaced from its slot. */
function samplesIn(all: readonly Sample[], step: number, size: number, bucket: number): Sample[] {
  const displaced = all.findLastIndex(({ at }) => {
    const other = bucketAt(at, step);
    return other !== bucket && other % size === bucket % size;
  });
  return all.slice(displaced + 1).filter(({ at }) => bucketAt(at, step) === bucket);
}

describe('ring buffers', () => {
  test('each period has the sum of its events and the greatest state, and other periods are gaps', () => {
    fc.assert(
      fc.property(samples, (steps) => {
        const all = timed(steps);
        const history = recorded(all);
        for (const { step, size } of resolutions) {
          const buckets = new Set(all.flatMap(({ at }) => [-1, 0, 1].map((by) => bucketAt(at, step) + by)));
          for (const bucket of buckets) {
            const inside = samplesIn(all, step, size, bucket);
            const known = (name: 'inbound' | 'memory') => inside.flatMap(({ values }) => values[name] ?? []);
            expect(history.has(step, bucket)).toBe(inside.length > 0);
            const inbound = known('inbound');
            const memory = known('memory');
            expect(history.value(step, bucket, 'inbound')).toBe(
              inbound.length > 0 ? inbound.reduce((sum, value) => sum + value, 0) : undefined,
            );
            expect(history.value(step, bucket, 'memory')).toBe(
              memory.length > 0 ? Math.max(...memory) : undefined,
            );
            expect(history.value(step, bucket, 'sockets')).toBeUndefined();
          }
        }
      }),
      effort,
    );
  });

  test('minutes and hours conserve the sum of the seconds', () => {
    const history = createHistory();
    for (let n = 0; n < 600; n++) history.record(start + n * 1_000, { published: n });
    const total = (step: 1 | 60 | 3_600) =>
      history
        .buckets(step, 0)
        .reduce((sum, bucket) => sum + (history.value(step, bucket, 'published') ?? 0), 0);
    expect([total(1), total(60), total(3_600)]).toEqual([179_700, 179_700, 179_700]);
  });

  test('keeps 10 minutes, 24 hours and 30 days', () => {
    const history = createHistory();
    const hours = 31 * 24;
    for (let n = 0; n < hours * 60; n++) history.record(start + n * 60_000, { inbound: 1 });
    const kept = resolutions.map(({ step }) => history.buckets(step, 0).length);
    // One sample a minute: the seconds have the last ones whose slots are distinct.
    expect(kept.slice(1)).toEqual([1_440, 720]);
    expect(kept[0]).toBeLessThanOrEqual(600);
  });

  test('a clock that goes back and returns leaves what was recorded before', () => {
    const history = createHistory();
    history.record(start, { inbound: 5 });
    history.record(0, { inbound: 7 });
    history.record(start + 1_000, { inbound: 1 });
    expect(history.value(1, bucketAt(start, 1), 'inbound')).toBe(5);
    expect(history.value(60, bucketAt(start, 60), 'inbound')).toBe(6);
    expect(history.value(3_600, 0, 'inbound')).toBe(7);
  });

  test('takes any number without breaking another series', () => {
    const history = createHistory();
    const bucket = bucketAt(start, 1);
    history.record(start, { inbound: Number.NaN, published: -1, waiting: 1e20, memory: 0.6 });
    history.record(start, { waiting: 1 });
    const values = (['inbound', 'published', 'waiting', 'memory'] as const).map((name) =>
      history.value(1, bucket, name),
    );
    expect(values).toEqual([0, 0, maxValue, 1]);
    history.record(Number.NaN, { inbound: 1 });
    history.record(-5_000, { inbound: 1 });
    history.record(1e300, { inbound: 1 });
    expect(history.buckets(1, 0)).toEqual([bucket]);
  });
});

describe('the text of a history', () => {
  const contentOf = (history: History, from = 0) =>
    resolutions.map(({ step }) =>
      history.buckets(step, Math.floor(from / step)).map((bucket) => ({
        bucket,
        values: seriesNames.map((name) => history.value(step, bucket, name)),
      })),
    );

  test('restores everything, and only what is not older than asked for', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: 0, max: 200_000 }), (steps, from) => {
        const history = recorded(timed(steps));
        const whole = createHistory();
        expect(decodeInto(whole, encodeHistory(history))).toBe(true);
        expect(contentOf(whole)).toEqual(contentOf(history));
        const tail = createHistory();
        const since = start + from * 1_000;
        expect(decodeInto(tail, encodeHistory(history, since))).toBe(true);
        expect(contentOf(tail)).toEqual(contentOf(history, since / 1_000));
      }),
      effort,
    );
  });

  test('added to what was recorded since, as at a late restore, it loses neither', () => {
    const saved = createHistory();
    saved.record(start, { inbound: 3, memory: 9 });
    const current = createHistory();
    current.record(start + 1_000, { inbound: 4, memory: 5 });
    expect(decodeInto({ assign: current.merge }, encodeHistory(saved))).toBe(true);
    expect(current.value(60, bucketAt(start, 60), 'inbound')).toBe(7);
    expect(current.value(60, bucketAt(start, 60), 'memory')).toBe(9);
  });

  test('added later takes no slot of what was recorded since, nor of what happened after it', () => {
    const saved = createHistory();
    for (let n = 0; n < 600; n++) saved.record(start + n * 1_000, { inbound: 1 });
    const current = createHistory();
    for (let n = 600; n < 700; n++) current.record(start + n * 1_000, { inbound: 2 });
    expect(decodeInto({ assign: current.merge }, encodeHistory(saved))).toBe(true);
    const second = bucketAt(start, 1);
    expect(current.values(1, 'inbound', second + 100, 600)).toEqual([
      ...Array(500).fill(1),
      ...Array(100).fill(2),
    ]);
  });

  test('of an idle day takes little space', () => {
    const history = createHistory();
    for (let n = 0; n < 86_400; n++)
      history.record(start + n * 1_000, { inbound: 0, waiting: 0, sockets: 0, memory: 90_000 });
    expect(encodeHistory(history).length).toBeLessThan(5_000);
  });

  test('of a changing day stays below its bound', () => {
    const history = createHistory();
    for (let n = 0; n < 86_400; n += 1) {
      if (n % 60 !== 0 && n < 85_800) continue;
      const noise = (n * 2_654_435_761) % 4_000_000_000;
      history.record(
        start + n * 1_000,
        Object.fromEntries(seriesNames.map((name, i) => [name, (noise * (i + 1)) % 4e9])),
      );
    }
    const text = encodeHistory(history);
    expect(text.length).toBeGreaterThan(250_000);
    expect(decodeInto(createHistory(), text)).toBe(true);
  });

  test('that is damaged is refused and throws nothing', () => {
    const history = recorded(
      timed(Array.from({ length: 20 }, (_, n) => ({ step: 1, inbound: n, memory: n }))),
    );
    const text = encodeHistory(history);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        expect(() => decodeInto(createHistory(), changed)).not.toThrow();
        expect(decodeInto(createHistory(), text.slice(0, at))).toBe(false);
      }),
      effort,
    );
    for (const other of [
      '',
      '[]',
      '{"version":2}',
      '{"version":1,"series":[],"rings":[{"step":1,"rows":1e9,"data":""}]}',
    ])
      expect(decodeInto(createHistory(), other)).toBe(false);
  });

  test('of a version with other series keeps those that both have', () => {
    const history = createHistory();
    history.record(start, { inbound: 3, memory: 7 });
    const text = encodeHistory(history).replace('"inbound"', '"of a later version"');
    const decoded = createHistory();
    expect(decodeInto(decoded, text)).toBe(true);
    expect(decoded.value(1, bucketAt(start, 1), 'inbound')).toBeUndefined();
    expect(decoded.value(1, bucketAt(start, 1), 'memory')).toBe(7);
  });
});

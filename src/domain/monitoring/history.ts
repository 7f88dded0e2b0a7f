// The history of one node: ring buffers of fixed size at three resolutions. Used by the monitor and by the window that plots show.
//
// Each slot carries the number of its period, so that a pause, or a wall clock that was set, leaves gaps and overwrites nothing but
// what is too old. A period that the clock shows twice holds the events of both.

import { type SeriesName, type SeriesValues, seriesNames, seriesTable } from './series.ts';

export interface Resolution {
  /** Seconds of one period. */
  readonly step: number;
  /** Periods that are kept. */
  readonly size: number;
}

/** 10 minutes, 24 hours and 30 days. */
export const resolutions = [
  { step: 1, size: 600 },
  { step: 60, size: 1_440 },
  { step: 3_600, size: 720 },
] as const satisfies readonly Resolution[];

export type Step = (typeof resolutions)[number]['step'];

/** The greatest value that is kept. */
export const maxValue = 0xffff_fffe;
const unknown = 0xffff_ffff;

/** One period of a ring. */
export interface HistoryRow {
  /** The period's start is `bucket * step`, Unix time in seconds. */
  readonly bucket: number;
  readonly values: SeriesValues;
}

export interface History {
  /** Adds what happened up to `at`, Unix time in milliseconds, to the period of each resolution. */
  record(at: number, values: SeriesValues): void;
  /** Adds a saved period, unless another one that was recorded since has its slot. */
  merge(step: Step, row: HistoryRow): void;
  /** Replaces a period, for a history that was received. Ignores what is not a valid period. */
  assign(step: Step, row: HistoryRow): void;
  /** The value of a period; undefined where it is not known. */
  value(step: Step, bucket: number, name: SeriesName): number | undefined;
  /** The values of `length` periods from `first` on, for a fraction of what as many calls of `value` cost. */
  values(step: Step, name: SeriesName, first: number, length: number): (number | undefined)[];
  /** Whether anything is known of the period. */
  has(step: Step, bucket: number): boolean;
  /** The kept periods from the one with this number on, the earliest first. */
  buckets(step: Step, from: number): number[];
}

interface Ring extends Resolution {
  /** The number of the period in each slot, plus one; 0: none. */
  readonly labels: Uint32Array;
  readonly data: Uint32Array;
}

const width = seriesNames.length;
const columnOf = new Map(seriesNames.map((name, index) => [name, index]));

/** Takes half a megabyte, whatever is recorded. */
export function createHistory(): History {
  const rings = new Map<Step, Ring>(
    resolutions.map((resolution) => [
      resolution.step,
      {
        ...resolution,
        labels: new Uint32Array(resolution.size),
        data: new Uint32Array(resolution.size * width),
      },
    ]),
  );
  const ringOf = (step: Step): Ring => {
    const ring = rings.get(step);
    if (!ring) throw new RangeError(`no resolution of ${step} s`);
    return ring;
  };
  /** Where the row of a kept period begins. */
  const find = (ring: Ring, bucket: number): number | undefined => {
    const slot = bucket % ring.size;
    return isBucket(bucket) && ring.labels[slot] === bucket + 1 ? slot * width : undefined;
  };
  /** The same, for a period that need not be kept yet. */
  const open = (ring: Ring, bucket: number): number => {
    const slot = bucket % ring.size;
    if (ring.labels[slot] !== bucket + 1) {
      ring.labels[slot] = bucket + 1;
      ring.data.fill(unknown, slot * width, (slot + 1) * width);
    }
    return slot * width;
  };

  const add = (ring: Ring, { bucket, values }: HistoryRow): void => {
    if (!isBucket(bucket)) return;
    const row = open(ring, bucket);
    seriesNames.forEach((name, column) => {
      const value = values[name];
      if (value === undefined) return;
      const before = ring.data[row + column] ?? unknown;
      ring.data[row + column] = before === unknown ? bounded(value) : combined(name, before, value);
    });
  };

  return {
    record: (at, values) => {
      for (const { step } of resolutions) add(ringOf(step), { bucket: bucketAt(at, step), values });
    },
    merge: (step, row) => {
      const ring = ringOf(step);
      const label = ring.labels[row.bucket % ring.size] ?? 0;
      if (label === 0 || label === row.bucket + 1) add(ring, row);
    },
    assign: (step, { bucket, values }) => {
      if (!isBucket(bucket)) return;
      const ring = ringOf(step);
      const row = open(ring, bucket);
      ring.data.fill(unknown, row, row + width);
      seriesNames.forEach((name, column) => {
        const value = values[name];
        if (value !== undefined) ring.data[row + column] = bounded(value);
      });
    },
    value: (step, bucket, name) => {
      const ring = ringOf(step);
      const row = find(ring, bucket);
      const value = row === undefined ? unknown : ring.data[row + (columnOf.get(name) ?? 0)];
      return value === unknown ? undefined : value;
    },
    values: (step, name, first, length) => {
      const { labels, data, size } = ringOf(step);
      const column = columnOf.get(name) ?? 0;
      const found: (number | undefined)[] = [];
      // Without calls, because the first window of a process is made by code that is not compiled yet.
      for (let bucket = first; bucket < first + length; bucket++) {
        const slot = bucket % size;
        const value = labels[slot] === bucket + 1 ? data[slot * width + column] : unknown;
        found.push(value === unknown ? undefined : value);
      }
      return found;
    },
    has: (step, bucket) => find(ringOf(step), bucket) !== undefined,
    buckets: (step, from) =>
      [...ringOf(step).labels]
        .map((label) => label - 1)
        .filter((bucket) => bucket >= Math.max(0, from))
        .sort((a, b) => a - b),
  };
}

/** The number of the period at this Unix time in milliseconds. */
export function bucketAt(at: number, step: number): number {
  return Math.floor(at / 1_000 / step);
}

function isBucket(bucket: number): boolean {
  return Number.isInteger(bucket) && bucket >= 0 && bucket < unknown;
}

/** Two values of one series at different times of a period. */
export function combined(name: SeriesName, a: number, b: number): number {
  return bounded(seriesTable[name].kind === 'count' ? a + b : Math.max(a, b));
}

/** Whole, neither negative nor above what fits. */
function bounded(value: number): number {
  return Number.isNaN(value) ? 0 : Math.min(maxValue, Math.max(0, Math.round(value)));
}

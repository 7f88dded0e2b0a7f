// Whether a value stays flat over a soak test: by a line through its samples, robust against single ones, or by its peaks. Used by soak.ts.

import { median } from '../statistics.ts';

/** With more, every second one is left out, and so on: the line needs the slopes of all pairs. */
const maxPoints = 240;

/** After the first quarter, in which memory grows to what the work needs. */
interface Drift {
  readonly first: number;
  readonly last: number;
}

/**
 * The line of Theil and Sen: the median of the slopes between all pairs of samples, through the medians; its values at
 * the end of the first quarter and at the end.
 * @param at  the times of the values, ascending
 * @returns NaN with fewer than two values after the first quarter
 */
export function driftOf(at: readonly number[], values: readonly number[]): Drift {
  const end = at.at(-1) ?? Number.NaN;
  const every = Math.ceil(at.length / maxPoints);
  const points = at.flatMap((time, index) => {
    const value = values[index] ?? Number.NaN;
    const counts = time >= end / 4 && Number.isFinite(value) && index % every === 0;
    return counts ? [{ time, value }] : [];
  });
  const slopes = points.flatMap((a, index) =>
    points.slice(index + 1).map((b) => (b.value - a.value) / (b.time - a.time)),
  );
  const slope = median(slopes);
  const middle = median(points.map(({ value }) => value));
  const middleTime = median(points.map(({ time }) => time));
  return { first: middle + slope * (end / 4 - middleTime), last: middle + slope * (end - middleTime) };
}

/**
 * The peaks of the second and of the last quarter: for what fills up and is emptied again and again, through which no line fits.
 * @param at  the times of the values, ascending
 * @returns NaN for a quarter without values
 */
export function peaksOf(at: readonly number[], values: readonly number[]): Drift {
  const end = at.at(-1) ?? Number.NaN;
  const peak = (from: number, to: number): number => {
    const within = values.filter((value, index) => {
      const time = at[index] ?? Number.NaN;
      return time >= from && time <= to && Number.isFinite(value);
    });
    return within.length === 0 ? Number.NaN : Math.max(...within);
  };
  return { first: peak(end / 4, end / 2), last: peak((end * 3) / 4, end) };
}

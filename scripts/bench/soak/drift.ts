// Whether a value stays flat over a soak test: a line through its samples, robust against single ones. Used by soak.ts.

import { median } from '../statistics.ts';

/** With more, every second one is left out, and so on: the line needs the slopes of all pairs. */
const maxPoints = 240;

/** From the end of the first quarter, in which memory grows to what the work needs, to the end. */
interface Drift {
  /** Of the line. */
  readonly first: number;
  readonly last: number;
}

/**
 * The line of Theil and Sen: the median of the slopes between all pairs of samples, through the medians.
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

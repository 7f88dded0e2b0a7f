// Medians and percentiles of small lists of numbers. Used by every benchmark and by the load processes.

/** NaN for an empty list. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Interpolates linearly; `share` is 0 to 100. NaN for an empty list. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = ((sorted.length - 1) * share) / 100;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

/** Half of the range relative to the median: 0.1 means about ± 10 %. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / 2 / Math.abs(middle);
}

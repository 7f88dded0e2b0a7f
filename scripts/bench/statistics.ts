// Medians and percentiles of small lists of numbers. Used by every bench, in the load processes too.

/** NaN for an empty list. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** Linear between neighbours; `share` is 0 to 100. NaN for an empty list. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = ((sorted.length - 1) * share) / 100;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

/** Half of the range as a share of the median: 0.1 means that the values are about 10 % to either side. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / 2 / Math.abs(middle);
}

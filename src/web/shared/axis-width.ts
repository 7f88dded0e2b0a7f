// The width of the axis of values, which has room for its labels. Used by plot.tsx.

/** Enough for most labels, so that the plots of a page begin at the same place. */
const leastWidth = 52;
const gap = 10;

/** @param labels of the ticks; null until there is a scale */
export function axisWidth(labels: readonly string[] | null, widthOf: (label: string) => number): number {
  return Math.max(leastWidth, ...(labels ?? []).map((label) => Math.ceil(widthOf(label)) + gap));
}

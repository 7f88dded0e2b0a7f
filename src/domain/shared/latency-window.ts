// Latencies of the latest calls with their quantiles, bounded. Used by what reports to operators.

export interface LatencySummary {
  /** Milliseconds. */
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  readonly count: number;
}

export interface LatencyWindow {
  add(ms: number): void;
  /** Undefined before the first. */
  summary(): LatencySummary | undefined;
}

/** That with the greater 95th percentile, because latencies of several nodes do not add up to one. */
export function slowerOf(
  a: LatencySummary | undefined,
  b: LatencySummary | undefined,
): LatencySummary | undefined {
  return (a?.p95 ?? -1) >= (b?.p95 ?? -1) ? a : b;
}

/** @param size how many of the latest are kept */
export function createLatencyWindow(size = 1_000): LatencyWindow {
  const latencies: number[] = [];
  let next = 0;
  return {
    add: (ms) => {
      latencies[next] = ms;
      next = (next + 1) % size;
    },
    summary: () => {
      if (latencies.length === 0) return undefined;
      const sorted = latencies.toSorted((a, b) => a - b);
      const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1] ?? 0);
      return { p50: at(0.5), p95: at(0.95), max: at(1), count: sorted.length };
    },
  };
}

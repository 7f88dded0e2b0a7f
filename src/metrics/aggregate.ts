// The metrics of several processes as those of one: counters and histograms are added up, gauges as the catalogue says. Used by
// app/workers, with prom-client's aggregation for node:cluster. Not its collection (15.1), which fails while one worker does not
// answer, and forgets what a worker counted that has ended.

import { type Aggregator, AggregatorRegistry } from 'prom-client';

/** A metric as prom-client's `getMetricsAsJSON` returns it. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: Aggregator;
  readonly values: readonly {
    readonly value: number;
    readonly labels: Readonly<Record<string, string | number | undefined>>;
    /** Of the parts of a histogram. */
    readonly metricName?: string;
  }[];
}

/** The metrics of one process at one time; plain data, for another process. */
export type MetricsSnapshot = readonly Metric[];

/** The response to a scrape, of all these together. */
export async function aggregateText(
  snapshots: readonly MetricsSnapshot[],
): Promise<{ readonly type: string; readonly text: string }> {
  const registry = aggregate(snapshots);
  return { type: registry.contentType, text: await registry.metrics() };
}

/** What processes that have ended counted together; their gauges are gone. */
export async function accumulate(ended: MetricsSnapshot, last: MetricsSnapshot): Promise<MetricsSnapshot> {
  const counted = last.filter(({ type }) => type === 'counter' || type === 'histogram');
  // Safe cast: prom-client returns what it was given, added up.
  return (await aggregate([ended, counted]).getMetricsAsJSON()) as unknown as Metric[];
}

function aggregate(snapshots: readonly MetricsSnapshot[]) {
  // Safe cast: prom-client declares an array of any objects, and does not change it.
  return AggregatorRegistry.aggregate(snapshots as unknown as object[]);
}

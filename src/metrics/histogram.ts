// A histogram in Prometheus' text format. Used by registry.ts. Not prom-client's (15.1), which looks up the labels for each
// observation: that costs as much as all other counting of a request.

import type { MetricsSnapshot } from './aggregate.ts';

export interface Histogram {
  /** @returns the observer of one set of label values; equal values share one series */
  of(...values: string[]): (value: number) => void;
  /** Observations of all series in each bucket, the last for values above all buckets. */
  totals(): number[];
  /** Ends with a line break. */
  text(): string;
  /** As prom-client has its own. */
  snapshot(): MetricsSnapshot[number];
}

interface Series {
  readonly labels: string;
  readonly values: readonly string[];
  /** Observations by their smallest bucket; the last is for values above all buckets. */
  readonly counts: number[];
  sum: number;
}

/** `buckets` are upper bounds, lowest first. */
export function createHistogram(
  name: string,
  help: string,
  labels: readonly string[],
  buckets: readonly number[],
): Histogram {
  // By their labels: Prometheus rejects a page with a duplicate series.
  const seriesByLabels = new Map<string, Series>();
  const bounds = [...buckets.map(String), '+Inf'];

  const linesOf = ({ labels, counts, sum }: Series): string[] => {
    let total = 0;
    const label = labels === '' ? '' : `{${labels}}`;
    const more = labels === '' ? '' : `,${labels}`;
    const lines = bounds.map((bound, index) => {
      total += counts[index] ?? 0;
      return `${name}_bucket{le="${bound}"${more}} ${total}`;
    });
    return [...lines, `${name}_sum${label} ${sum}`, `${name}_count${label} ${total}`];
  };

  const samplesOf = ({ values, counts, sum }: Series) => {
    let total = 0;
    const named = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? '']));
    const samples = bounds.map((bound, index) => {
      total += counts[index] ?? 0;
      return { metricName: `${name}_bucket`, labels: { le: bound, ...named }, value: total };
    });
    return [
      ...samples,
      { metricName: `${name}_sum`, labels: named, value: sum },
      { metricName: `${name}_count`, labels: named, value: total },
    ];
  };

  return {
    of: (...values) => {
      const pairs = labels.map((label, index) => `${label}="${escapeLabelValue(values[index] ?? '')}"`);
      const key = pairs.join(',');
      const series = seriesByLabels.get(key) ?? { labels: key, values, counts: bounds.map(() => 0), sum: 0 };
      seriesByLabels.set(key, series);
      return (value) => {
        let index = 0;
        while (index < buckets.length && value > (buckets[index] ?? 0)) index++;
        series.counts[index] = (series.counts[index] ?? 0) + 1;
        series.sum += value;
      };
    },
    totals: () =>
      bounds.map((_, index) =>
        [...seriesByLabels.values()].reduce((sum, { counts }) => sum + (counts[index] ?? 0), 0),
      ),
    snapshot: () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: [...seriesByLabels.values()].flatMap(samplesOf),
    }),
    text: () =>
      `${[`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...[...seriesByLabels.values()].flatMap(linesOf)].join('\n')}\n`,
  };
}

function escapeLabelValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

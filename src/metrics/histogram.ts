// A histogram in Prometheus' text format. Used by registry.ts. Not prom-client's, which looks its labels up for each
// observation: that costs as much as all other counting of a request.

export interface Histogram {
  /** @returns the observing of one set of labels */
  of(...values: string[]): (value: number) => void;
  /** Ends with a line break. */
  text(): string;
}

interface Cell {
  readonly labels: string;
  /** Observations by the first bucket that holds them, the last being for those that no bucket holds. */
  readonly counts: number[];
  sum: number;
}

/** `buckets` are upper bounds, the lowest first. */
export function createHistogram(
  name: string,
  help: string,
  labels: readonly string[],
  buckets: readonly number[],
): Histogram {
  const cells: Cell[] = [];
  const bounds = [...buckets.map(String), '+Inf'];

  const linesOf = ({ labels, counts, sum }: Cell): string[] => {
    let total = 0;
    const lines = bounds.map((bound, index) => {
      total += counts[index] ?? 0;
      return `${name}_bucket{le="${bound}",${labels}} ${total}`;
    });
    return [...lines, `${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`];
  };

  return {
    of: (...values) => {
      const texts = labels.map((label, index) => `${label}="${escaped(values[index] ?? '')}"`);
      const cell: Cell = { labels: texts.join(','), counts: bounds.map(() => 0), sum: 0 };
      cells.push(cell);
      return (value) => {
        let index = 0;
        while (index < buckets.length && value > (buckets[index] ?? 0)) index++;
        cell.counts[index] = (cell.counts[index] ?? 0) + 1;
        cell.sum += value;
      };
    },
    text: () =>
      `${[`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...cells.flatMap(linesOf)].join('\n')}\n`,
  };
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

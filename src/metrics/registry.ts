// The metrics of one process as Prometheus reads them. Used by app/compose; the one owner of prom-client. A registry
// of its own instead of the package's global one, so that two in one process (tests) do not mix.

import { Counter, Gauge, Registry } from 'prom-client';
import { createHistogram, type Histogram } from './histogram.ts';

/** Label values of one reading of a gauge, in the order of its label names, and the number. */
export type Reading = readonly [labels: readonly string[], value: number];

type Read = () => readonly Reading[] | Promise<readonly Reading[]>;

export interface MetricsRegistry {
  /**
   * A counter with one label. Every known value is there from the beginning, as 0, so that its first event is seen
   * as an increase. @returns counts one event (or `by`)
   */
  counter<T extends string>(
    name: string,
    help: string,
    label: string,
    known: readonly T[],
  ): (value: T, by?: number) => void;
  /** A counter with several labels. @returns a function that makes the counting of one set of labels */
  counters(name: string, help: string, labels: readonly string[]): (...values: string[]) => () => void;
  /** A histogram with several labels. @returns a function that makes the observing of one set of labels */
  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    buckets: readonly number[],
  ): (...values: string[]) => (value: number) => void;
  /** Read when Prometheus asks, and only then. A reading that fails is left out. */
  gauge(name: string, help: string, labels: readonly string[], read: Read): void;
  /** The same for a number that only grows and that others count; its name ends in `_total`. */
  readCounter(name: string, help: string, labels: readonly string[], read: Read): void;
  /** What Prometheus reads, with its content type. */
  text(): Promise<{ readonly type: string; readonly text: string }>;
}

export function createRegistry(): MetricsRegistry {
  const registry = new Registry();
  const registers = [registry];
  const histograms: Histogram[] = [];

  return {
    counter: (name, help, label, known) => {
      const counter = new Counter({ name, help, labelNames: [label], registers });
      const children = new Map(known.map((value) => [value, counter.labels(value)]));
      for (const child of children.values()) child.inc(0);
      // What is not known is never a label: their number stays bounded whatever is counted.
      return (value, by = 1) => children.get(value)?.inc(by);
    },
    counters: (name, help, labels) => {
      // Counted in numbers of our own, as prom-client looks the labels up for each event.
      const cells: { readonly values: readonly string[]; events: number }[] = [];
      new Counter({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          for (const cell of cells) {
            this.labels(...cell.values).inc(cell.events);
            cell.events = 0;
          }
        },
      });
      return (...values) => {
        const cell = { values, events: 0 };
        cells.push(cell);
        return () => {
          cell.events++;
        };
      };
    },
    histogram: (name, help, labels, buckets) => {
      const histogram = createHistogram(name, help, labels, buckets);
      histograms.push(histogram);
      return histogram.of;
    },
    gauge: (name, help, labels, read) => {
      new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          return takeReadings(this, labels, read, (child, value) => child.set(value));
        },
      });
    },
    readCounter: (name, help, labels, read) => {
      new Counter({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          return takeReadings(this, labels, read, (child, value) => child.inc(value));
        },
      });
    },
    text: async () => {
      const parts = [await registry.metrics(), ...histograms.map((histogram) => histogram.text())];
      return { type: registry.contentType, text: parts.join('\n') };
    },
  };
}

interface Readable<Child> {
  reset(): void;
  remove(): void;
  labels(...values: string[]): Child;
}

/** Puts what is read now in the place of what was read before. */
async function takeReadings<Child>(
  metric: Readable<Child>,
  labels: readonly string[],
  read: Read,
  take: (child: Child, value: number) => void,
): Promise<void> {
  const readings = await readAll(read);
  metric.reset();
  // What has no labels is 0 after that, which would be a reading.
  if (readings.length === 0 && labels.length === 0) metric.remove();
  for (const [values, value] of readings) take(metric.labels(...values), value);
}

/** One number that cannot be read must not hide all others. */
async function readAll(read: Read): Promise<readonly Reading[]> {
  try {
    return await read();
  } catch {
    return [];
  }
}

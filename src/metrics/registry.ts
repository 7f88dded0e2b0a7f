// The metrics of one process in Prometheus' text format. Used by app/compose; owns prom-client together with aggregate.ts. Not the package's
// global registry, which several services of one process (in tests) would share.

import { type Aggregator, Counter, Gauge, Registry } from 'prom-client';
import type { MetricsSnapshot } from './aggregate.ts';
import { type MetricDefinition, metricCatalogue } from './catalogue.ts';
import { createHistogram, type Histogram } from './histogram.ts';

type Catalogue = Readonly<Record<string, MetricDefinition>>;

type NameOf<C extends Catalogue, T extends MetricDefinition['type']> = {
  [Name in keyof C]: C[Name]['type'] extends T ? Name : never;
}[keyof C] &
  string;

type ValueOf<Values> = Values extends readonly (infer Value)[] ? Value & string : string;

/** The labels of a metric, each with one of its values. */
type LabelsOf<D extends MetricDefinition> = {
  readonly [Label in keyof D['labels']]: ValueOf<D['labels'][Label]>;
};

/** The values of a metric's only label. */
type LabelValue<D extends MetricDefinition> = ValueOf<D['labels'][keyof D['labels']]>;

/** The values of the only label of a metric of the catalogue. */
export type LabelOf<Name extends keyof typeof metricCatalogue> = LabelValue<(typeof metricCatalogue)[Name]>;

/** One value of a metric, with its labels. */
type Sample<D extends MetricDefinition = MetricDefinition> = readonly [labels: LabelsOf<D>, value: number];

type Collect<D extends MetricDefinition> = () => readonly Sample<D>[] | Promise<readonly Sample<D>[]>;

export interface MetricsRegistry<C extends Catalogue = typeof metricCatalogue> {
  /**
   * A counter with one label. Every value of the label is 0 at first, so that its first event is seen as an increase.
   * @returns counts one event, or `by`
   */
  counter<Name extends NameOf<C, 'counter'>>(name: Name): (value: LabelValue<C[Name]>, by?: number) => void;
  /** A counter with several labels. @returns a function that creates the counter of one set of label values */
  counters(name: NameOf<C, 'counter'>): (...values: string[]) => () => void;
  /** A histogram with several labels. @returns a function that creates the observer of one set of label values */
  histogram(name: NameOf<C, 'histogram'>): (...values: string[]) => (value: number) => void;
  /** Collected at each scrape. A collection that fails is left out. */
  gauge<Name extends NameOf<C, 'gauge'>>(name: Name, collect: Collect<C[Name]>): void;
  /** The same for a counter that something else counts. */
  observableCounter<Name extends NameOf<C, 'counter'>>(name: Name, collect: Collect<C[Name]>): void;
  /** What the series of a counter have counted since the start; none when this process does not count it. */
  totals(name: NameOf<C, 'counter'>): readonly SeriesTotal[];
  /** The observations of a histogram in each of its buckets, the last for values above all; undefined when there is none. */
  bucketTotals(name: NameOf<C, 'histogram'>): readonly number[] | undefined;
  /** The response to a scrape, with its content type. */
  text(): Promise<{ readonly type: string; readonly text: string }>;
  /** The same as data, to be added to that of other processes. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** `values` are those of the labels, in the order of the catalogue. */
export interface SeriesTotal {
  readonly values: readonly string[];
  readonly total: number;
}

/** Counted in a plain number: prom-client looks up the labels for each event. */
interface CountedSeries extends SeriesTotal {
  total: number;
  /** Those that the last scrape had. */
  shown: number;
}

export function createMetricsRegistry(): MetricsRegistry {
  return createRegistryOf(metricCatalogue);
}

/** For metrics of another catalogue. */
export function createRegistryOf<C extends Catalogue>(catalogue: C): MetricsRegistry<C> {
  const registry = new Registry();
  const registers = [registry];
  const histograms = new Map<string, Histogram>();
  const counted = new Map<string, CountedSeries[]>();
  const definitionOf = (name: string): MetricDefinition => {
    const definition = catalogue[name];
    if (!definition) throw new TypeError(`the metric ${name} is not in the catalogue`);
    return definition;
  };
  const optionsOf = (name: string) => {
    const { help, labels, together } = definitionOf(name);
    const aggregator: Aggregator = together ?? 'sum';
    return { name, help, labelNames: Object.keys(labels), registers, aggregator };
  };

  /** @returns adds a series */
  const register = (name: string): ((values: readonly string[]) => CountedSeries) => {
    const all: CountedSeries[] = [];
    counted.set(name, all);
    new Counter({
      ...optionsOf(name),
      collect() {
        for (const series of all) {
          this.labels(...series.values).inc(series.total - series.shown);
          series.shown = series.total;
        }
      },
    });
    return (values) => {
      const series = { values, total: 0, shown: 0 };
      all.push(series);
      return series;
    };
  };

  return {
    counter: (name) => {
      const values = Object.values(definitionOf(name).labels).flat();
      const addSeries = register(name);
      const children = new Map<string, CountedSeries>(values.map((value) => [value, addSeries([value])]));
      // An unknown value is ignored, so that the number of series stays bounded.
      return (value, by = 1) => {
        const series = children.get(value);
        if (series) series.total += by;
      };
    },
    counters: (name) => {
      const addSeries = register(name);
      return (...values) => {
        const series = addSeries(values);
        return () => {
          series.total++;
        };
      };
    },
    histogram: (name) => {
      const { help, labels, buckets = [] } = definitionOf(name);
      const histogram = createHistogram(name, help, Object.keys(labels), buckets);
      histograms.set(name, histogram);
      return histogram.of;
    },
    gauge: (name, collect) => {
      new Gauge({
        ...optionsOf(name),
        collect() {
          return collectInto(this, Object.keys(definitionOf(name).labels), collect, (child, value) =>
            child.set(value),
          );
        },
      });
    },
    observableCounter: (name, collect) => {
      new Counter({
        ...optionsOf(name),
        collect() {
          return collectInto(this, Object.keys(definitionOf(name).labels), collect, (child, value) =>
            child.inc(value),
          );
        },
      });
    },
    totals: (name) => counted.get(name) ?? [],
    bucketTotals: (name) => histograms.get(name)?.totals(),
    text: async () => {
      const parts = [
        await registry.metrics(),
        ...[...histograms.values()].map((histogram) => histogram.text()),
      ];
      return { type: registry.contentType, text: parts.join('\n') };
    },
    snapshot: async () => {
      // Safe cast: prom-client declares less than it returns.
      const metrics = (await registry.getMetricsAsJSON()) as unknown as MetricsSnapshot;
      return [...metrics, ...[...histograms.values()].map((histogram) => histogram.snapshot())];
    },
  };
}

interface CollectedMetric<Child> {
  reset(): void;
  remove(): void;
  labels(labels: Record<string, string>): Child;
}

/** Replaces the previous samples of a metric. */
async function collectInto<Child>(
  metric: CollectedMetric<Child>,
  labelNames: readonly string[],
  collect: Collect<MetricDefinition>,
  apply: (child: Child, value: number) => void,
): Promise<void> {
  const samples = await collectOrNone(collect);
  metric.reset();
  // A metric without labels is 0 after a reset, which would be a sample.
  if (samples.length === 0 && labelNames.length === 0) metric.remove();
  for (const [labels, value] of samples) apply(metric.labels({ ...labels }), value);
}

/** A metric that cannot be collected must not hide the others. */
async function collectOrNone(
  collect: Collect<MetricDefinition>,
): Promise<readonly Sample<MetricDefinition>[]> {
  try {
    return await collect();
  } catch {
    return [];
  }
}

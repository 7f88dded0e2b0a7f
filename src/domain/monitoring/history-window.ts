// A window of the history as plots show it: nodes merged, periods grouped, percentiles of latency. Used by the Overview.

import { bucketAt, combined, type History, type Step } from './history.ts';
import type { HistoryWindow, PlotName, WindowChange } from './model.ts';
import {
  latencyBoundsMs,
  latencySeriesOf,
  type SeriesName,
  seriesNames,
  seriesTable,
  timedSystems,
} from './series.ts';

interface Range {
  readonly step: Step;
  /** Periods of the history in one of the window. */
  readonly group: number;
  readonly length: number;
}

/** What a page can show. */
export const ranges = {
  '10m': { step: 1, group: 1, length: 600 },
  '1h': { step: 60, group: 1, length: 60 },
  '24h': { step: 60, group: 5, length: 288 },
  '30d': { step: 3_600, group: 1, length: 720 },
} as const satisfies Readonly<Record<string, Range>>;

export type RangeName = keyof typeof ranges;
export const rangeNames = Object.keys(ranges) as readonly RangeName[];

const latencySeries = timedSystems.flatMap(latencySeriesOf);
const plotted = seriesNames.filter(
  (name): name is Extract<PlotName, SeriesName> => !latencySeries.includes(name),
);
const plotNames: readonly PlotName[] = [...plotted, 'pcrf_p50', 'pcrf_p95', 'radius_p50', 'radius_p95'];

/**
 * The window that ends at `now`, Unix time in milliseconds: with the running period, but for periods of a second, which are
 * recorded when they are over.
 */
export function windowOf(histories: readonly History[], range: Range, now: number): HistoryWindow {
  const { step, group, length } = range;
  const last = bucketAt(now, step * group) - (step === 1 ? 1 : 0);
  const first = last - length + 1;
  // Plain loops, because the first window of a process is made by code that is not compiled yet.
  const column = (name: SeriesName): (number | null)[] => {
    const merged = new Array<number | null>(length).fill(null);
    for (const history of histories) {
      const values = history.values(step, name, first * group, length * group);
      for (let index = 0; index < length; index++) {
        let value = values[index * group];
        for (let at = index * group + 1; at < (index + 1) * group; at++) {
          const next = values[at];
          if (next !== undefined) value = value === undefined ? next : combined(name, value, next);
        }
        if (value !== undefined) merged[index] = mergedOf(name, merged[index] ?? undefined, value);
      }
    }
    return merged;
  };
  const percentiles = (system: (typeof timedSystems)[number]) => {
    const calls = latencySeriesOf(system).map(column);
    const callsAt = (index: number): number[] => {
      const counts: number[] = [];
      for (const each of calls) counts.push(each[index] ?? 0);
      return counts;
    };
    const periods = Array.from({ length }, (_, index) => callsAt(index));
    return (share: number) => periods.map((counts) => percentileOf(counts, share));
  };
  const [pcrf, radius] = [percentiles('pcrf'), percentiles('radius')];
  const columns = Object.fromEntries(plotted.map((name) => [name, column(name)])) as Record<
    Extract<PlotName, SeriesName>,
    (number | null)[]
  >;
  return {
    step: step * group,
    first,
    length,
    columns: {
      ...columns,
      pcrf_p50: pcrf(0.5),
      pcrf_p95: pcrf(0.95),
      radius_p50: radius(0.5),
      radius_p95: radius(0.95),
    },
  };
}

function mergedOf(name: SeriesName, before: number | undefined, value: number): number {
  if (before === undefined) return value;
  return seriesTable[name].merge === 'sum' ? before + value : Math.max(before, value);
}

/**
 * Milliseconds within which this share of the calls ended, interpolated within its class; null without calls. The class without an
 * upper bound counts as the last bound.
 */
export function percentileOf(calls: readonly number[], share: number): number | null {
  let total = 0;
  for (const count of calls) total += count;
  if (total === 0) return null;
  let before = 0;
  for (let index = 0; index < calls.length; index++) {
    const count = calls[index] ?? 0;
    if (count > 0 && before + count >= share * total) {
      const lower = latencyBoundsMs[index - 1] ?? 0;
      const upper = latencyBoundsMs[index] ?? lower;
      return Math.round((lower + ((upper - lower) * (share * total - before)) / count) * 10) / 10;
    }
    before += count;
  }
  return null;
}

/** The sum of a series over the last minutes, the running one included. */
export function recentSum(
  histories: readonly History[],
  names: readonly SeriesName[],
  minutes: number,
  now: number,
) {
  const last = bucketAt(now, 60);
  let sum = 0;
  for (const history of histories)
    for (const name of names) for (let n = 0; n < minutes; n++) sum += history.value(60, last - n, name) ?? 0;
  return sum;
}

/**
 * What a client that has `before` needs to have `after`; undefined when they are equal. Everything when the windows are of different
 * ranges or do not overlap.
 */
export function changeOf(before: HistoryWindow, after: HistoryWindow): WindowChange | undefined {
  const { step, first, length } = after;
  let from = first;
  const isSameRange = before.step === step && before.length === length && before.first <= first;
  if (isSameRange) {
    const end = Math.min(first + length, before.first + before.length);
    const isEqual = (bucket: number): boolean =>
      plotNames.every(
        (name) => before.columns[name][bucket - before.first] === after.columns[name][bucket - first],
      );
    while (from < end && isEqual(from)) from++;
  }
  if (from === first + length) return undefined;
  const columns = Object.fromEntries(
    plotNames.map((name) => [name, after.columns[name].slice(from - first)]),
  ) as unknown as WindowChange['columns'];
  return { step, first: from, length: first + length - from, start: first, columns };
}

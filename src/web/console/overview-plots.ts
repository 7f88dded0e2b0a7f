// What the Overview plots: groups of series with their words, colours and units. Used by its view.

import type { HistoryWindow, PlotName } from '../../console/views/overview.ts';

export interface PlotGroup {
  readonly title: string;
  /** A count per period, or a state in this unit. */
  readonly unit: 'count' | 'now' | 'ms' | 'MB';
  readonly series: readonly { readonly name: PlotName; readonly label: string; readonly colour: string }[];
}

const colours = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `--series-${n}`);
const seriesOf = (...pairs: readonly (readonly [PlotName, string])[]) =>
  pairs.map(([name, label], index) => ({ name, label, colour: colours[index % colours.length] ?? '' }));

const plotGroups: readonly PlotGroup[] = [
  {
    title: 'Inbound SMS',
    unit: 'count',
    series: [
      { name: 'inbound', label: 'accepted', colour: '--series-1' },
      { name: 'published', label: 'published', colour: '--series-2' },
      { name: 'inbound_refused', label: 'refused', colour: '--series-3' },
      { name: 'publish_failed', label: 'failed attempts', colour: '--series-4' },
    ],
  },
  {
    title: 'Outbox',
    unit: 'now',
    series: [
      { name: 'waiting', label: 'waiting', colour: '--series-3' },
      { name: 'dead_letters', label: 'dead letters', colour: '--series-4' },
    ],
  },
  {
    title: 'Outgoing SMS by state',
    unit: 'count',
    series: [
      { name: 'sms_sent', label: 'sent', colour: '--series-1' },
      { name: 'sms_delivered', label: 'delivered', colour: '--series-2' },
      { name: 'sms_failed', label: 'failed', colour: '--series-4' },
      { name: 'sms_expired', label: 'expired', colour: '--series-3' },
      { name: 'sms_cancelled', label: 'cancelled', colour: '--series-5' },
    ],
  },
  {
    title: 'Outgoing SMS to RabbitMQ',
    unit: 'count',
    series: seriesOf(
      ['outgoing_sent', 'taken'],
      ['outgoing_unroutable', 'unroutable'],
      ['outgoing_refused', 'refused'],
      ['outgoing_unconfirmed', 'unconfirmed'],
      ['outgoing_failed', 'failed'],
    ),
  },
  { title: 'Pairings', unit: 'count', series: seriesOf(['pairings', 'paired']) },
  {
    title: 'Disconnects',
    unit: 'count',
    series: seriesOf(
      ['disconnect_done', 'done'],
      ['disconnect_token_refused', 'token refused'],
      ['disconnect_limited', 'limited'],
      ['disconnect_pcrf_failed', 'PCRF failed'],
      ['disconnect_pcrf_timeout', 'PCRF timed out'],
      ['disconnect_nas_failed', 'NAS failed'],
      ['disconnect_nas_timeout', 'NAS timed out'],
      ['disconnect_busy', 'busy'],
      ['disconnect_failed', 'failed'],
    ),
  },
  {
    title: 'PCRF and RADIUS latency',
    unit: 'ms',
    series: seriesOf(
      ['pcrf_p50', 'PCRF median'],
      ['pcrf_p95', 'PCRF 95 %'],
      ['radius_p50', 'RADIUS median'],
      ['radius_p95', 'RADIUS 95 %'],
    ),
  },
  { title: 'Open sockets', unit: 'now', series: seriesOf(['sockets', 'sync websockets']) },
  { title: 'Event-loop delay', unit: 'ms', series: seriesOf(['loop_delay', 'greatest']) },
  { title: 'Memory', unit: 'MB', series: seriesOf(['memory', 'greatest process']) },
];

/** Groups of which this installation has anything: without the disconnect service there are no disconnects. */
export function knownGroups({ columns }: HistoryWindow): readonly PlotGroup[] {
  return plotGroups.filter(({ series }) => series.some(({ name }) => columns[name].some(isKnown)));
}

/** Few series are always shown; of many, those that have counted anything, and the first. */
const alwaysShown = 4;

/** The series of a group that are plotted. */
export function shownSeries({ unit, series }: PlotGroup, { columns }: HistoryWindow): PlotGroup['series'] {
  if (unit !== 'ms' && series.length <= alwaysShown) return series;
  const shown = series.filter(({ name }, index) => index === 0 || columns[name].some((value) => value));
  // The latency of a system that is never called.
  return unit === 'ms' && series.length > 1 ? shown.filter(({ name }) => columns[name].some(isKnown)) : shown;
}

const isKnown = (value: number | null): boolean => value !== null;

/** In the unit of the plot; the history has microseconds and KiB. */
export function plotted(name: PlotName, column: readonly (number | null)[]): readonly (number | null)[] {
  const divisor = name === 'loop_delay' ? 1_000 : name === 'memory' ? 1_024 : 1;
  return divisor === 1 ? column : column.map((value) => (value === null ? null : value / divisor));
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

export function formatterOf(unit: PlotGroup['unit']): (value: number) => string {
  if (unit === 'ms') return (value) => `${fine.format(value)} ms`;
  if (unit === 'MB') return (value) => `${whole.format(value)} MB`;
  return (value) => fine.format(value);
}

/** `per minute`; nothing for a state. */
export function periodOf(unit: PlotGroup['unit'], step: number): string {
  if (unit !== 'count') return unit === 'now' ? 'now' : '';
  const names: Readonly<Record<number, string>> = { 1: 'per second', 60: 'per minute', 300: 'per 5 minutes' };
  return names[step] ?? 'per hour';
}

// A plot over time by uPlot: lines with gaps, a legend that reads the values under the cursor, the colours of the theme. Used by the
// Overview.

import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { axisWidth } from './axis-width.ts';

interface PlotSeries {
  readonly label: string;
  /** Of the tokens: `--series-1`. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

interface PlotProps {
  /** What the plot shows, with its last values, for screen readers. */
  readonly label: string;
  /** Unix times in seconds. */
  readonly times: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly format: (value: number) => string;
  /** Counts, of which the axis has no fractions. */
  readonly isWhole: boolean;
}

const height = 180;
/** Plots with the same key have one cursor. */
const sync = { key: 'swob' };
const day = 86_400;
/** Distances of ticks: 1, 2, 5, 10, … */
const wholeSteps = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockWithSeconds = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dateAndClock = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

export function Plot(props: PlotProps) {
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const labels = props.series.map(({ label }) => label).join();

  // Rebuilt only for other series: new values are drawn into the same plot.
  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const made = new uPlot(optionsOf(latest, element), dataOf(latest.current), element);
    plot.current = made;
    readLast(made);
    const resize = new ResizeObserver(() => {
      const width = element.clientWidth;
      if (width > 0 && width !== made.width) made.setSize({ width, height });
    });
    resize.observe(element);
    const redraw = (): void => made.redraw();
    const theme = new MutationObserver(redraw);
    theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => {
      resize.disconnect();
      theme.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [labels]);
  useEffect(() => {
    if (!plot.current) return;
    plot.current.setData(dataOf(props));
    readLast(plot.current);
  }, [props.times, props.series]);

  return <div class="plot" role="img" aria-label={props.label} ref={container} />;
}

/** Without a cursor, the legend has the last values. */
function readLast(plot: uPlot): void {
  const { idx } = plot.cursor;
  if (idx === null || idx === undefined) plot.setLegend({ idx: plot.data[0].length - 1 });
}

/** The indices of values without a neighbour. */
function loneValues(values: ArrayLike<number | null | undefined>): number[] {
  const isGap = (index: number): boolean => values[index] === null || values[index] === undefined;
  return Array.from({ length: values.length }, (_, index) => index).filter(
    (index) => !isGap(index) && isGap(index - 1) && isGap(index + 1),
  );
}

function dataOf({ times, series }: PlotProps): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])];
}

function optionsOf(latest: { readonly current: PlotProps }, element: HTMLElement): uPlot.Options {
  const colourOf = (token: string) => () => getComputedStyle(element).getPropertyValue(token).trim();
  const axis = {
    stroke: colourOf('--ink-2'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  };
  const widthIn = (plot: uPlot) => (label: string) => {
    plot.ctx.font = axis.font;
    return plot.ctx.measureText(label).width;
  };
  const format = (value: number | null): string => (value === null ? '–' : latest.current.format(value));
  const spanOf = (): number => (latest.current.times.at(-1) ?? 0) - (latest.current.times[0] ?? 0);
  const timeOf = (time: number): string => {
    const formatter = spanOf() > 2 * day ? dateAndClock : spanOf() > 1_200 ? clock : clockWithSeconds;
    return formatter.format(time * 1_000);
  };
  const tickOf = (time: number): string => (spanOf() > 2 * day ? date : clock).format(time * 1_000);
  return {
    width: element.clientWidth || 300,
    height,
    cursor: { sync, points: { size: 6 }, drag: { x: false, y: false } },
    legend: { live: true },
    hooks: { setCursor: [readLast] },
    scales: { y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, space: 60, gap: 9, size: 32, values: (_plot, times) => times.map(tickOf) },
      {
        ...axis,
        size: (plot, labels) => axisWidth(labels, widthIn(plot)),
        values: (_plot, values) => values.map(format),
        ...(latest.current.isWhole && { incrs: wholeSteps }),
      },
    ],
    series: [
      { label: 'Time', value: (_plot, time) => (time === null ? '–' : timeOf(time)) },
      ...latest.current.series.map(({ label, colour }) => ({
        label,
        stroke: colourOf(colour),
        width: 1.75,
        spanGaps: false,
        // A value between two gaps has no line.
        points: { size: 5, filter: (plot: uPlot, index: number) => loneValues(plot.data[index] ?? []) },
        value: (_plot: uPlot, value: number | null) => format(value),
      })),
    ],
  };
}

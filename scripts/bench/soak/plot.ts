// Line charts over time as SVG, with d3's scales and shapes, which need no browser. Used by the soak test.

import { scaleLinear } from 'd3-scale';
import { line } from 'd3-shape';

interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

export interface Panel {
  /** With the unit. */
  readonly title: string;
  /** Two at most. */
  readonly lines: readonly Line[];
}

const [width, panelHeight, left, right, top, bottom] = [760, 170, 60, 20, 34, 26];
const colours = ['#1f77b4', '#d62728'];

/** `at` are the minutes of the values. */
export function plot(title: string, at: readonly number[], panels: readonly Panel[]): string {
  const height = 30 + panels.length * panelHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(left, 20, title, 'font-size="14" font-weight="bold"'),
    ...panels.map(
      (panel, index) => `<g transform="translate(0 ${30 + index * panelHeight})">${draw(panel, at)}</g>`,
    ),
    '</svg>\n',
  ].join('\n');
}

function draw({ title, lines }: Panel, at: readonly number[]): string {
  const values = lines.flatMap((each) => each.values).filter(Number.isFinite);
  const x = scaleLinear([0, Math.max(...at)], [left, width - right]);
  const y = scaleLinear([0, Math.max(...values, 0.001)], [panelHeight - bottom, top]).nice(4);
  const path = line<number>(
    (_, index) => x(at[index] ?? 0),
    (value) => y(value),
  ).defined(Number.isFinite);
  const levels = y
    .ticks(4)
    .map(
      (tick) =>
        `<line x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#ddd"/>` +
        text(left - 6, y(tick) + 4, String(tick), 'text-anchor="end"'),
    );
  const minutes = x
    .ticks(10)
    .map((tick) => text(x(tick), panelHeight - bottom + 16, `${tick} min`, 'text-anchor="middle"'));
  const curves = lines.map(
    (each, index) =>
      `<path d="${path([...each.values]) ?? ''}" fill="none" stroke="${colours[index]}" stroke-width="1.5"/>` +
      text(width - right - 130 * (lines.length - index), top - 10, each.name, `fill="${colours[index]}"`),
  );
  return [text(left, top - 10, title, ''), ...levels, ...minutes, ...curves].join('\n');
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

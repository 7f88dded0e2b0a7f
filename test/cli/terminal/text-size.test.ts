import { expect, test } from 'vitest';
import { displayWidth, terminalSize, wrappedRows } from '../../../src/cli/terminal/text-size.ts';
import { RecordedStream } from '../harness.ts';

test.each([
  ['', 0],
  ['abc', 3],
  ['\u001b[47m  \u001b[0m', 2],
  ['▄▀█', 3],
  ['日本', 4],
  ['📱', 2],
  ['e\u0301', 1],
])('%j is %i columns wide', (text, width) => expect(displayWidth(text)).toBe(width));

test.each([
  [[''], 1],
  [['x'.repeat(80)], 1],
  [['x'.repeat(81)], 2],
  [['x'.repeat(94), 'y', 'z'.repeat(161)], 6],
  [[], 0],
])('%j takes %i rows of 80 columns', (lines, rows) => expect(wrappedRows(lines, 80)).toBe(rows));

test('a terminal that reports 0 columns, as some do, has an unknown size', () => {
  const size = (isTTY: boolean, columns: number, rows: number) =>
    terminalSize(Object.assign(new RecordedStream(isTTY), { columns, rows }));
  expect(size(true, 80, 24)).toEqual({ columns: 80, rows: 24 });
  expect(size(true, 0, 0)).toBeUndefined();
  expect(size(false, 80, 24)).toBeUndefined();
});

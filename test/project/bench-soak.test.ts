// `npm run bench -- soak`: its options, how it tells drift from noise, and that an interrupted test keeps its results.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flags, parseOptions, usage } from '../../scripts/bench/options.ts';
import { driftOf, peaksOf } from '../../scripts/bench/soak/drift.ts';
import { startProcess } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';

test.each([
  [['soak'], { minutes: 10, rate: { share: 0.5 }, broker: undefined }],
  [['SOAK', '--hours', '24', '--rate', '300/s'], { minutes: 1_440, rate: { perSecond: 300 } }],
  [['soak', '--minutes', '0.5', '--rate', '1'], { minutes: 0.5, rate: { share: 1 } }],
  [
    ['soak', '--broker', 'amqp://a:b@mq:5672'],
    { broker: { url: 'amqp://a:b@mq:5672', managementUrl: 'http://mq:15672' } },
  ],
])('the options %j', (args, expected) => {
  expect(parseOptions(args)).toMatchObject({ soak: true, names: [], ...expected });
});

test.each([
  [['soak', 'C1'], 'soak runs alone'],
  [['soak', '--minutes', '1', '--hours', '1'], '--minutes and --hours exclude each other'],
  [['soak', '--hours', '0'], '--hours: expected a number above 0'],
  [['soak', '--rate', '2'], '--rate: expected a share of the maximum'],
  [['soak', '--rate', '0/s'], '--rate: expected'],
  [['soak', '--rate', 'fast'], '--rate: expected'],
  [['soak', '--broker', 'localhost'], '--broker: expected a URL'],
])('the options %j are refused: %s', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});

test.each(Object.keys(flags))('the help has --%s', (name) => {
  expect(usage).toMatch(new RegExp(`^ .*--${name}\\b`, 'm'));
});

const minutes = Array.from({ length: 101 }, (_, index) => index);

test('the drift is that of a line from the end of the first quarter to the end', () => {
  const { first, last } = driftOf(
    minutes,
    minutes.map((at) => 100 + at),
  );
  expect([first, last]).toEqual([125, 200]);
});

test('what memory does in the first quarter, and single peaks after it, are not drift', () => {
  const values = minutes.map((at) => (at < 25 ? at : at % 10 === 0 ? 900 : 100 + (at % 3)));
  const { first, last } = driftOf(minutes, values);
  expect(last / first).toBeCloseTo(1, 1);
});

test('a leak is found through the saw-tooth of the garbage collector', () => {
  const leak = minutes.map((at) => 60 + 0.2 * at + 8 * ((at * 7) % 5));
  const { first, last } = driftOf(minutes, leak);
  expect(last / first).toBeGreaterThan(1.1);
});

test('any line is found, however many samples there are', () => {
  const line = fc.record({
    count: fc.integer({ min: 8, max: 1_500 }),
    start: fc.integer({ min: 1, max: 1_000 }),
    slope: fc.double({ min: -1, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(line, ({ count, start, slope }) => {
      const at = Array.from({ length: count }, (_, index) => index / 10);
      const { first, last } = driftOf(
        at,
        at.map((time) => start + slope * time),
      );
      const end = (count - 1) / 10;
      expect(first).toBeCloseTo(start + (slope * end) / 4, 6);
      expect(last).toBeCloseTo(start + slope * end, 6);
    }),
    { numRuns: 30 },
  );
});

test('segments that fill up and are removed do not drift, unless each peak is higher', () => {
  const minutes = Array.from({ length: 121 }, (_, index) => index / 2);
  const saw = minutes.map((minute) => 9 + (minute % 11));
  const { first, last } = peaksOf(minutes, saw);
  expect(last / first).toBeCloseTo(1, 1);
  const growing = peaksOf(
    minutes,
    saw.map((value, index) => value + index / 20),
  );
  expect(growing.last / growing.first).toBeGreaterThan(1.1);
  expect(peaksOf([], [])).toEqual({ first: Number.NaN, last: Number.NaN });
});

test('without samples there is no drift to report', () => {
  expect(driftOf([], []).last).toBeNaN();
  expect(driftOf([1], [100]).last).toBeNaN();
});

test('an interrupted test ends with the plot and the results so far, and with 1 when something is not flat', async () => {
  const folder = temporaryFolder();
  const [json, svg] = [join(folder, 'soak.json'), join(folder, 'soak.svg')];
  const effort = ['--quick', '--minutes', '4', '--rate', '50/s', '--json', json, '--svg', svg];
  const script = resolve('scripts/bench/main.ts');
  const soak = startProcess(process.execPath, ['--import', 'tsx', script, 'soak', ...effort], {
    cwd: resolve('.'),
  });
  // Written at each sample.
  const written = () => (existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : { samples: [] });
  await expect.poll(() => written().samples.length).toBeGreaterThan(2);
  expect(written()).toMatchObject({ interrupted: false, minutes: 4 });
  soak.kill('SIGINT');
  const { signal, code } = await soak.exit;
  expect({ signal, stdout: soak.stdout() }).toEqual({
    signal: null,
    stdout: expect.stringMatching(/^name .*\nsoak resident memory, end beside start +\d/),
  });

  const results = written();
  expect(results).toMatchObject({ interrupted: true, minutes: 4, work: { pings: expect.any(Number) } });
  const flat = results.rows.every(({ ok }: { ok: boolean | null }) => ok === true);
  expect(code).toBe(flat ? 0 : 1);
  expect(results.samples[0]).toMatchObject({ residentMb: expect.any(Number), files: expect.any(Number) });
  expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [\s\S]*Soak: 50 requests a second[\s\S]*<\/svg>\n$/);
});

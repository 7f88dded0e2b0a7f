// `npm run bench` runs and reports in the documented form. Never checks how fast anything is.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { Bench } from '../../scripts/bench/bench.ts';
import { type BenchEnvironment, createBenchEnvironment } from '../../scripts/bench/environment.ts';
import { inspectNode, runFresh } from '../../scripts/bench/fresh-rounds.ts';
import { parseOptions } from '../../scripts/bench/options.ts';
import { judge, type Row, table } from '../../scripts/bench/report.ts';
import { inTurn } from '../../scripts/bench/rounds.ts';
import { median, percentile, spread } from '../../scripts/bench/statistics.ts';
import { runProcess } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';

const bench = (args: readonly string[]) => {
  const tsx = resolve('node_modules/tsx/dist/cli.mjs');
  return runProcess(process.execPath, [tsx, resolve('scripts/bench/main.ts'), ...args], {
    cwd: resolve('.'),
  });
};

test('two short benchmarks print the table and write the JSON', async () => {
  const json = join(temporaryFolder(), 'results.json');
  const effort = ['--quick', '--rounds', '1', '--seconds', '0.3'];
  const { code, stdout, stderr } = await bench(['c3', 'C8', ...effort, '--json', json]);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(json) });

  const [head, ...lines] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^name +ours +baseline +ratio +target +ok +ratio by CPU$/);
  expect(lines).toHaveLength(6);
  const compared = String.raw`[\d.]+ +[≥≤] [\d.]+ +(yes|NO|\?) +([\d.]+|-|NaN)$`;
  expect(lines[0]).toMatch(
    new RegExp(String.raw`^C3 new session +[\d.]+ /s ±\d+% +[\d.]+ /s ±\d+% +${compared}`),
  );
  for (const line of lines.slice(1, 3))
    expect(line).toMatch(new RegExp(String.raw`^C8 swob .* +[\d.]+ ms ±\d+% +[\d.]+ ms ±\d+% +${compared}`));
  expect(lines[3]).toMatch(
    /^C8 swob serve, first response +[\d.]+ ms ±\d+% +- +- +≤ 600 ms +(yes|NO|\?) +-$/,
  );

  expect(lines[4]).toMatch(
    /^C3 new session: p50Ms [\d.]+, p99Ms [\d.]+, serverCpu [\d.]+, baselineCpu [\d.]+$/,
  );
  expect(lines[5]).toMatch(/^C8 swob serve, first response: cpuMs [\d.]+$/);

  const results = JSON.parse(readFileSync(json, 'utf8'));
  expect(results).toMatchObject({
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    machine: {
      cores: expect.any(Number),
      node: process.version,
      pinned: expect.any(Boolean),
      awake: expect.any(Boolean),
    },
    rounds: 1,
    seconds: 0.3,
    quick: true,
    driver: expect.stringMatching(/^(wrk|autocannon)$/),
  });
  expect(results.rows).toHaveLength(4);
  for (const row of results.rows) expect(row.failures ?? []).toEqual([]);
  for (const row of results.rows.slice(0, 3)) {
    expect(row.ratio).toEqual(expect.any(Number));
    expect(row.ours.length).toBe(row.baseline.length);
    expect(row.ours.length).toBeGreaterThan(0);
  }
});

test('an unknown benchmark is an error before anything is measured, and so is an invalid number', async () => {
  const { code, stderr } = await bench(['C77']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('no such bench: C77') });
  expect(() => parseOptions(['C3', '--rounds', 'many'])).toThrow('--rounds: expected a number above 0');
});

test('a run that ends stops its processes, and starts no more', async () => {
  const effort = { rounds: 1, seconds: 1, quick: true, pin: false, users: 0 };
  const unused = { profiles: undefined, old: undefined };
  const environment = await createBenchEnvironment({ ...effort, ...unused }, () => {});
  const { pid } = environment.startProgram('sleep', ['1000']);
  const closed = environment.close();
  expect(() => environment.startProgram('sleep', ['1000'])).toThrow('sleep: the run is ending');
  await closed;
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

const row: Row = { name: 'x', unit: '/s', ours: [80, 40, 60], baseline: [100, 100, 50], target: 'none' };

test('the ratio is the median of the ratios of all rounds', () => {
  expect(judge(row)).toMatchObject({ ratio: 0.8, median: { ours: 60, baseline: 100 }, ok: null });
});

test.each([
  [{ atLeast: 0.8 }, [], true],
  [{ atLeast: 0.81 }, [], false],
  [{ atMost: 0.8 }, [], true],
  [{ atMost: 0.79 }, [], false],
  [{ oursAtMost: 60 }, [], true],
  [{ atLeast: 0.1 }, ['a request failed'], false],
] as const)('the target %o with failures %o is reached: %s', (target, failures, ok) => {
  expect(judge({ ...row, target, failures }).ok).toBe(ok);
});

test('a target that only one of the two ratios reaches is undecided', () => {
  const perCpuSecond = { ours: [20], baseline: [100] };
  const verdict = judge({ ...row, target: { atLeast: 0.5 }, perCpuSecond });
  expect(verdict).toMatchObject({ ratio: 0.8, ratioByCpu: 0.2, ok: null });
  expect(table([verdict])).toMatch(/≥ 0\.50 +\? +0\.20$/);
});

test.each([
  ['the baseline misses it, too', { baseline: [70] }],
  ['the CPU time is within it', { perCpuSecond: { ours: [50], baseline: [] } }],
])('a time that is too long is undecided when %s', (_, beside) => {
  const target = { oursAtMost: 55 };
  expect(judge({ ...row, target, baseline: [50], ...beside }).ok).toBeNull();
  expect(judge({ ...row, target, baseline: [50] }).ok).toBe(false);
  expect(judge({ ...row, target: { oursAtMost: 60 }, baseline: [50], ...beside }).ok).toBe(true);
});

test('the table shows a row without a baseline, then its errors and notes', () => {
  const beside = {
    target: { oursAtMost: 59 },
    failures: ['it broke'],
    notes: { residentMb: 151.6, p99Ms: 1 },
  };
  const text = table([judge({ ...row, baseline: [], ...beside })]);
  expect(text.split('\n')).toEqual([
    'name  ours          baseline  ratio  target     ok  ratio by CPU',
    'x     60.0 /s ±33%  -         -      ≤ 59.0 /s  NO  -',
    'x: it broke',
    'x: residentMb 152, p99Ms 1.00',
  ]);
});

test('neither side is always the first of a round', async () => {
  const order: string[] = [];
  const side = (name: string) => async (round: number) => order.push(`${name} ${round}`);
  const pair = await inTurn(3, side('ours'), side('baseline'));
  expect(order).toEqual(['ours 0', 'baseline 0', 'baseline 1', 'ours 1', 'ours 2', 'baseline 2']);
  expect(pair).toEqual({ ours: [1, 4, 5], baseline: [2, 3, 6] });
});

test('with several Nodes, each is beside its baseline, and the others are beside the first', async () => {
  const began: string[] = [];
  const bench: Bench = {
    id: 'C0',
    title: 'nothing',
    run: async ({ node, rounds }) => {
      began.push(node);
      const [ours, baseline] = node === 'a' ? [[10], [20]] : [[30], [40]];
      const perCpuSecond = { ours: ours.map((value) => value / 2), baseline };
      return [{ ...row, ours, baseline, perCpuSecond, target: { atLeast: 0.6 }, notes: { rounds } }];
    },
  };
  const environment = {
    rounds: 3,
    reportProgress: () => {},
    onNode: (node: string) => ({ node }),
  } as unknown as BenchEnvironment;
  const nodes = [
    { path: 'a', version: 'v20.19.0' },
    { path: 'b', version: 'v24.1.0' },
  ];
  const rows = (await runFresh(bench, environment, nodes)).map(judge);
  // In new processes each time.
  expect(began).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
  expect(rows).toMatchObject([
    {
      name: 'x, Node v20.19.0',
      ours: [10, 10, 10],
      ratio: 0.5,
      ratioByCpu: 0.25,
      ok: false,
      notes: { rounds: 1 },
    },
    { name: 'x, Node v24.1.0', ours: [30, 30, 30], ratio: 0.75, ratioByCpu: 0.375, ok: null },
    { name: 'x, Node v24.1.0 beside v20.19.0', ratio: 3, ratioByCpu: 3, target: 'none', ok: null },
  ]);
});

test('a Node that does not run is refused', () => {
  expect(inspectNode(process.execPath)).toEqual({ path: process.execPath, version: process.version });
  expect(() => inspectNode('/nowhere/node')).toThrow('--node: /nowhere/node is no Node that runs');
});

test('medians, percentiles and spreads', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(percentile([0, 10], 99)).toBeCloseTo(9.9);
  expect(median([])).toBeNaN();
  expect(spread([90, 100, 110])).toBeCloseTo(0.1);
  expect(spread([5])).toBe(0);
});

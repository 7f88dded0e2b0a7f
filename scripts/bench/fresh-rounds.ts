// Runs each round of a benchmark with new processes, on one Node or on several in turn: processes with the same code differ by up
// to 20 %, which rounds of one process do not show. Used by main.ts.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { Bench } from './bench.ts';
import type { BenchEnvironment } from './environment.ts';
import type { Row } from './report.ts';
import { median } from './statistics.ts';

interface NodeVersion {
  readonly path: string;
  /** `v24.1.0` */
  readonly version: string;
}

/** Throws an Error for the command line. */
export function inspectNode(path: string): NodeVersion {
  const { stdout, status } = spawnSync(path, ['-p', 'process.version'], { encoding: 'utf8' });
  const version = (stdout ?? '').trim();
  if (status !== 0 || !version.startsWith('v')) throw new Error(`--node: ${path} is no Node that runs`);
  return { path: path.includes('/') ? resolve(path) : path, version };
}

/**
 * With several Nodes, the rows of each beside its own baseline, and then swob on each beside swob on the first.
 * @param nodes  empty: the Node of the environment
 */
export async function runFresh(
  bench: Bench,
  environment: BenchEnvironment,
  nodes: readonly NodeVersion[],
): Promise<Row[]> {
  const wanted = nodes.length > 0 ? nodes : [inspectNode(environment.node)];
  const results = wanted.map((node) => ({ node, rounds: [] as Row[][] }));
  for (let round = 0; round < environment.rounds; round++) {
    environment.reportProgress(`${bench.id}: round ${round + 1} of ${environment.rounds}`);
    // Neither is always the first.
    for (const { node, rounds } of round % 2 === 0 ? results : results.toReversed()) {
      rounds.push(await bench.run({ ...environment, ...environment.onNode(node.path), rounds: 1 }));
    }
  }
  const merged = results.map(({ node, rounds }) => ({ node, rows: mergeRounds(rounds) }));
  const [first, ...others] = merged;
  if (!first || others.length === 0) return [...(first?.rows ?? [])];
  return [
    ...merged.flatMap(({ node, rows }) =>
      rows.map((row) => ({ ...row, name: `${row.name}, Node ${node.version}` })),
    ),
    ...others.flatMap(({ node, rows }) =>
      rows.map((row, index) =>
        beside(row, first.rows[index], `${node.version} beside ${first.node.version}`),
      ),
    ),
  ];
}

/** One row for the rows of the same name in each round. */
function mergeRounds(rounds: readonly (readonly Row[])[]): Row[] {
  const [first = []] = rounds;
  return first.map((row) => {
    const same = rounds.flatMap((rows) => rows.filter(({ name }) => name === row.name));
    const notes = Object.keys(row.notes ?? {}).map((key) => [
      key,
      median(same.map((each) => each.notes?.[key] ?? Number.NaN)),
    ]);
    return {
      ...row,
      ours: same.flatMap(({ ours }) => ours),
      baseline: same.flatMap(({ baseline }) => baseline),
      ...(row.perCpuSecond && {
        perCpuSecond: {
          ours: same.flatMap(({ perCpuSecond }) => perCpuSecond?.ours ?? []),
          baseline: same.flatMap(({ perCpuSecond }) => perCpuSecond?.baseline ?? []),
        },
      }),
      failures: same.flatMap(({ failures = [] }) => failures),
      notes: Object.fromEntries(notes),
    };
  });
}

function beside(row: Row, other: Row | undefined, which: string): Row {
  const { notes: _, failures: __, ...rest } = row;
  return {
    ...rest,
    name: `${row.name}, Node ${which}`,
    target: 'none',
    baseline: other?.ours ?? [],
    ...(row.perCpuSecond && {
      perCpuSecond: { ours: row.perCpuSecond.ours, baseline: other?.perCpuSecond?.ours ?? [] },
    }),
  };
}

// What became of today's outgoing SMS on all nodes together, of the reports of each. Used by the console's outgoing SMS.

import type { SendingReport } from './sending-statistics.ts';

const maxErrors = 50;

/** Latencies are those of the slowest node, because those of several do not add up to one. */
export function mergeReports(reports: readonly SendingReport[]): SendingReport {
  const [first, ...others] = reports;
  if (!first) throw new RangeError('there is no report');
  return others.reduce(merged, first);
}

function merged(a: SendingReport, b: SendingReport): SendingReport {
  const operators = new Map(a.operators.map(({ operator, counts }) => [operator, counts]));
  for (const { operator, counts } of b.operators) {
    const known = operators.get(operator);
    operators.set(operator, known ? added(known, counts) : counts);
  }
  const slowest = (a.latency?.p95 ?? -1) >= (b.latency?.p95 ?? -1) ? a.latency : b.latency;
  return {
    since: Math.min(a.since, b.since),
    outcomes: added(a.outcomes, b.outcomes),
    operators: [...operators]
      .map(([operator, counts]) => ({ operator, counts }))
      .sort((x, y) => sumOf(y.counts) - sumOf(x.counts)),
    ...(slowest && { latency: slowest }),
    callbacks: added(a.callbacks, b.callbacks),
    errors: [...a.errors, ...b.errors].sort((x, y) => y.at - x.at).slice(0, maxErrors),
  };
}

/** The sum of each member. */
function added<T extends Readonly<Record<string, number>>>(a: T, b: T): T {
  return {
    ...a,
    ...Object.fromEntries(Object.entries(b).map(([name, count]) => [name, (a[name] ?? 0) + count])),
  };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

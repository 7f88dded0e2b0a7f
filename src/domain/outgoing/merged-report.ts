// Merges the reports of all nodes about today's outgoing SMS into one. Used by the console.

import { slowerOf } from '../shared/latency-window.ts';
import { maxErrors, type SendingReport, sumOf } from './sending-statistics.ts';

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
  const latency = slowerOf(a.latency, b.latency);
  return {
    since: Math.min(a.since, b.since),
    outcomes: added(a.outcomes, b.outcomes),
    operators: [...operators]
      .map(([operator, counts]) => ({ operator, counts }))
      .sort((x, y) => sumOf(y.counts) - sumOf(x.counts)),
    ...(latency && { latency }),
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

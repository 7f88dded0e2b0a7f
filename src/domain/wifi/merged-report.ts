// Merges the reports of all nodes about today's disconnects into one. Used by the console.

import { slowerOf } from '../shared/latency-window.ts';
import { disconnectOutcomes } from './audit-model.ts';
import { type BackendStatistics, type DisconnectReport, maxErrors } from './audit-statistics.ts';
import { backendNames } from './ports.ts';

export function mergeReports(reports: readonly DisconnectReport[]): DisconnectReport {
  const outcomes = reports.flatMap((report) => report.outcomes);
  const backends = reports.flatMap((report) => report.backends);
  return {
    since: Math.min(...reports.map(({ since }) => since)),
    outcomes: disconnectOutcomes.flatMap((outcome) => {
      const count = sumOf(outcomes.filter((each) => each.outcome === outcome).map((each) => each.count));
      return count === 0 ? [] : [{ outcome, count }];
    }),
    backends: backendNames.flatMap((backend) => {
      const calls = backends.filter((each) => each.backend === backend);
      return calls.length === 0 ? [] : [calls.reduce(added)];
    }),
    errors: reports
      .flatMap(({ errors }) => errors)
      .sort((a, b) => b.at - a.at)
      .slice(0, maxErrors),
  };
}

function added(a: BackendStatistics, b: BackendStatistics): BackendStatistics {
  const latency = slowerOf(a.latency, b.latency);
  return {
    backend: a.backend,
    ended: a.ended + b.ended,
    alreadyGone: a.alreadyGone + b.alreadyGone,
    failed: a.failed + b.failed,
    ...(latency && { latency }),
  };
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

// The metrics of the primary process of `swob serve --workers`, which the workers add to theirs. Used by app/workers.

import { registerProcessMetrics } from '../../metrics/process.ts';
import { createMetricsRegistry, type MetricsRegistry } from '../../metrics/registry.ts';
import type { LogDrops } from './context.ts';

export interface WorkerCounts {
  /** Workers whose services listen. */
  readonly running: number;
  /** Workers that ended without a request to stop, since the start. */
  readonly crashed: number;
  /** Workers that were replaced for a new configuration. */
  readonly reloaded: number;
}

export function createPrimaryMetrics(options: {
  readonly version: string;
  readonly logDrops: () => LogDrops;
  readonly workers: () => WorkerCounts;
}): Pick<MetricsRegistry, 'snapshot'> {
  const registry = createMetricsRegistry();
  registerProcessMetrics(registry, options.version);
  countLogDrops(registry, options.logDrops);
  registry.gauge('swob_workers', () => [[{}, options.workers().running]]);
  registry.observableCounter('swob_worker_replacements_total', () => {
    const { crashed, reloaded } = options.workers();
    return [
      [{ cause: 'ended' }, crashed],
      [{ cause: 'reload' }, reloaded],
    ];
  });
  return registry;
}

/** Counts the lines of the log that were lost, or not logged because they repeated others. */
export function countLogDrops(registry: MetricsRegistry, drops: () => LogDrops): void {
  registry.observableCounter('swob_log_lines_dropped_total', () => {
    const { file, gelf } = drops();
    return [
      [{ target: 'file' }, file],
      [{ target: 'gelf' }, gelf],
    ];
  });
  registry.observableCounter('swob_log_lines_suppressed_total', () => [[{}, drops().repeated]]);
}

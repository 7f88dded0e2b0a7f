// Adds up what the workers report: one scrape and one readiness for all of them, whichever worker the request reaches. Counters keep
// what workers counted that have ended, as far as they reported it. Used by primary.ts.

import type { Clock } from '../../domain/shared/ports.ts';
import { mergeReadiness } from '../../http/readiness.ts';
import { accumulate, aggregateText, type MetricsSnapshot } from '../../metrics/aggregate.ts';
import type { ReportPart, ToPrimary, WorkerReport } from './messages.ts';
import type { Worker, WorkerProcess } from './supervisor.ts';

export interface Reports {
  /** To be called for each new worker process. */
  watch(worker: WorkerProcess): void;
}

export interface ReportsDeps {
  /** Of regular operation. */
  readonly count: number;
  readonly workers: () => readonly Worker[];
  /** The metrics of the primary process itself. */
  readonly ownMetrics: () => Promise<MetricsSnapshot>;
  readonly clock: Clock;
}

/** A report that a worker was asked for. */
interface PendingReport {
  readonly process: WorkerProcess;
  settle(report: Partial<WorkerReport> | undefined): void;
}

/** For a worker to report; each of its checks takes a second at most. */
const reportTimeoutMs = 1_500;

export function createReports({ count, workers, ownMetrics, clock }: ReportsDeps): Reports {
  const pending = new Map<number, PendingReport>();
  const latest = new Map<WorkerProcess, MetricsSnapshot>();
  const running = new Map<ReportPart, Promise<string>>();
  let lastId = 0;
  let ended: MetricsSnapshot = [];
  let accumulated: Promise<void> = Promise.resolve();

  /** Undefined when the worker does not answer in time. */
  const ask = ({ process }: Worker, part: ReportPart): Promise<Partial<WorkerReport> | undefined> =>
    new Promise((resolve) => {
      const id = ++lastId;
      const settle = (report: Partial<WorkerReport> | undefined): void => {
        cancel();
        pending.delete(id);
        resolve(report);
      };
      const cancel = clock.after(reportTimeoutMs, () => settle(undefined));
      // Not `ended.then` for each report: those of a worker that runs for weeks would fill the memory.
      pending.set(id, { process, settle });
      process.send({ kind: 'report', id, part });
    });
  const readWhole = async (part: ReportPart): Promise<string> => {
    const asked = workers().filter(({ isReady }) => isReady || part === 'metrics');
    const reports = await Promise.all(asked.map((worker) => ask(worker, part)));
    if (part === 'metrics') {
      const own = await ownMetrics();
      await accumulated;
      return JSON.stringify(await aggregateText([own, ...latest.values(), ended]));
    }
    const found = reports.flatMap((report) => report?.readiness?.[part] ?? []);
    return JSON.stringify(mergeReadiness(found, count));
  };
  /** Concurrent requests share one reading. */
  const whole = (part: ReportPart): Promise<string> => {
    const known = running.get(part);
    if (known) return known;
    const found = readWhole(part).finally(() => running.delete(part));
    running.set(part, found);
    return found;
  };

  return {
    watch: (worker) => {
      worker.onMessage((message: ToPrimary) => {
        if (message.kind === 'reported') {
          const { id, report } = message;
          // Here, in the order of the messages, so that an earlier count never replaces the last one.
          if (report.metrics) latest.set(worker, report.metrics);
          pending.get(id)?.settle(report);
        }
        if (message.kind === 'stopped') latest.set(worker, message.metrics);
        if (message.kind !== 'whole') return;
        const { id, part } = message;
        whole(part).then(
          (text) => worker.send({ kind: 'whole', id, text }),
          // The worker waits for a bounded time, and says so.
          () => undefined,
        );
      });
      void worker.ended.then(() => {
        for (const { process, settle } of pending.values()) if (process === worker) settle(undefined);
        accumulated = accumulated.then(async () => {
          const last = latest.get(worker);
          if (last) ended = await accumulate(ended, last).catch(() => ended);
          latest.delete(worker);
        });
      });
    },
  };
}

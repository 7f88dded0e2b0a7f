// Counts dropped log lines and reports them: immediately, then once a minute while more are dropped. Used by files and
// GELF.

import type { Clock } from '../../domain/shared/ports.ts';

export interface DropCounter {
  add(lines: number, reason: string): void;
  /** Reports what has not been reported yet, when lines can be written again. */
  flush(): void;
  readonly total: number;
  stop(): void;
}

const reportIntervalMs = 60_000;

export function createDropCounter(clock: Clock, report: (lost: number, reason: string) => void): DropCounter {
  let total = 0;
  let unreported = 0;
  let lastReason = '';
  let cancel: (() => void) | undefined;

  const reportNow = (): void => {
    const lost = unreported;
    unreported = 0;
    if (lost > 0) report(lost, lastReason);
  };
  const schedule = (): void => {
    cancel = clock.after(reportIntervalMs, () => {
      cancel = undefined;
      if (unreported > 0) schedule();
      reportNow();
    });
  };
  return {
    add: (lines, reason) => {
      total += lines;
      unreported += lines;
      lastReason = reason;
      if (cancel) return;
      // Before reporting: the report is a line too, and may be dropped.
      schedule();
      reportNow();
    },
    flush: reportNow,
    get total() {
      return total;
    },
    stop: () => cancel?.(),
  };
}

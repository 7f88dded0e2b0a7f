// Counts log lines that are lost, and says so: at once, then once a period while it goes on. Used by files and GELF.

import type { Clock } from '../../domain/ports.ts';

export interface Losses {
  add(lines: number, reason: string): void;
  /** Says what has not been said yet: the trouble is over. */
  settle(): void;
  readonly total: number;
  stop(): void;
}

const periodMs = 60_000;

export function countLosses(clock: Clock, say: (lost: number, reason: string) => void): Losses {
  let total = 0;
  let unsaid = 0;
  let lastReason = '';
  let cancel: (() => void) | undefined;

  const tell = (): void => {
    const lost = unsaid;
    unsaid = 0;
    if (lost > 0) say(lost, lastReason);
  };
  const wait = (): void => {
    cancel = clock.after(periodMs, () => {
      cancel = undefined;
      if (unsaid > 0) wait();
      tell();
    });
  };
  return {
    add: (lines, reason) => {
      total += lines;
      unsaid += lines;
      lastReason = reason;
      if (cancel) return;
      // First: what is said is a line too, and may be lost in its turn.
      wait();
      tell();
    },
    settle: tell,
    get total() {
      return total;
    },
    stop: () => cancel?.(),
  };
}

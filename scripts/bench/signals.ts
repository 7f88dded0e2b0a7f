// Ends a run of the benchmark on a signal, with the processes that it has started. Used by main.ts and console-scale.ts.

import type { BenchEnvironment } from './environment.ts';

type OnSignal = (signal: NodeJS.Signals) => void;

/** npm passes on the signal of a terminal, which the benchmark gets, too. */
const sameSignalMs = 1_000;

/** Calls `end` for the first signal, and `force` for a later one. */
export function onStop(end: OnSignal, force: OnSignal): void {
  let first: number | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (first === undefined) {
        first = performance.now();
        end(name);
      } else if (performance.now() - first > sameSignalMs) force(name);
    });
  }
}

/** Stops the processes of the run, and then ends this one by the signal. */
export function endBySignal({ close }: Pick<BenchEnvironment, 'close'>): OnSignal {
  return (signal) =>
    void close().finally(() => {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    });
}

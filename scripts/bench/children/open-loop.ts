// Starts work at a rate, whatever its responses take (an open loop), and measures from when each was due. Used by tail.ts and
// beside.ts.

import { percentile } from '../statistics.ts';

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface OpenLoopResult {
  readonly done: number;
  readonly failed: number;
  /** The message of the last failure. */
  readonly failure: string;
  /** From when the work was due until it ended. */
  readonly latencies: Percentiles;
  /** From when the work was due until it began, which is this process's own delay and part of the latencies. */
  readonly late: Percentiles;
}

/** More would only wait for connections. What is due above it begins later, and its latency counts from when it was due. */
const maxInFlight = 256;
const tickMs = 1;

/** Runs `work` so many times a second; `turn` counts. Resolves when all that was begun has ended. */
export async function runOpenLoop(
  { seconds, perSecond }: { readonly seconds: number; readonly perSecond: number },
  work: (turn: number) => Promise<void>,
): Promise<OpenLoopResult> {
  const [times, late]: [number[], number[]] = [[], []];
  const running = new Set<Promise<void>>();
  let [begun, failed, failure] = [0, 0, ''];
  const one = async (due: number): Promise<void> => {
    late.push(performance.now() - due);
    try {
      await work(begun++);
      times.push(performance.now() - due);
    } catch (error) {
      failed++;
      failure = error instanceof Error ? error.message : String(error);
    }
  };
  const since = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = (performance.now() - since) / 1_000;
      for (const due = Math.min(elapsed, seconds) * perSecond; begun < due && running.size < maxInFlight; ) {
        const started = one(since + (begun / perSecond) * 1_000).finally(() => running.delete(started));
        running.add(started);
      }
      if (elapsed < seconds) return;
      clearInterval(timer);
      resolve();
    }, tickMs);
  });
  await Promise.all(running);
  return { done: times.length, failed, failure, latencies: percentilesOf(times), late: percentilesOf(late) };
}

function percentilesOf(values: readonly number[]): Percentiles {
  const [p50 = 0, p99 = 0, p999 = 0, max = 0] = [50, 99, 99.9, 100].map((share) => percentile(values, share));
  return { p50, p99, p999, max };
}

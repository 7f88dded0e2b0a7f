// Starts work at a rate, whatever its responses take (an open loop), and measures from when each was due. Used by tail.ts and
// beside.ts.

/** Times in milliseconds, one for each piece of work. */
export interface OpenLoopResult {
  readonly failed: number;
  /** The message of the last failure. */
  readonly failure: string;
  /** From when the work was due until it ended; without what failed. */
  readonly latencies: readonly number[];
  /** From when the work was due until it began, which is this process's own delay and part of the latencies. */
  readonly late: readonly number[];
}

/** More would only wait for connections. What is due above it begins later, and its latency counts from when it was due. */
const maxInFlight = 256;
const tickMs = 1;

/** Runs `work` so many times a second; `turn` counts. Resolves when all that was begun has ended. */
export async function runOpenLoop(
  { seconds, perSecond }: { readonly seconds: number; readonly perSecond: number },
  work: (turn: number) => Promise<void>,
): Promise<OpenLoopResult> {
  const [latencies, late]: [number[], number[]] = [[], []];
  const running = new Set<Promise<void>>();
  let [begun, failed, failure] = [0, 0, ''];
  const one = async (due: number): Promise<void> => {
    late.push(performance.now() - due);
    try {
      await work(begun++);
      latencies.push(performance.now() - due);
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
  return { failed, failure, latencies, late };
}

// Bounded concurrency over a sequence, and mutual exclusion by key. Used by the stores and the import; for a bound on holders
// and bytes see semaphore.ts.

export interface KeyedMutex {
  /** Runs the job after all earlier jobs of this key, whether they succeeded or failed. */
  run<T>(key: string, job: () => Promise<T>): Promise<T>;
  /** The same for several keys; jobs with a key in common run in the order of their calls, so that none waits for another in a circle. */
  runAll<T>(keys: readonly string[], job: () => Promise<T>): Promise<T>;
  /** Whether a job of this key runs or waits. */
  isBusy(key: string): boolean;
}

export function createKeyedMutex(): KeyedMutex {
  const lastJobs = new Map<string, Promise<void>>();
  const runAll: KeyedMutex['runAll'] = (keys, job) => {
    const earlier = keys.flatMap((key) => lastJobs.get(key) ?? []);
    // Jobs that have ended resolve, also those that failed.
    const result = (earlier.length > 1 ? Promise.all(earlier) : (earlier[0] ?? Promise.resolve())).then(job);
    const settled = result
      .then(
        () => {},
        () => {},
      )
      .then(() => {
        for (const key of keys) if (lastJobs.get(key) === settled) lastJobs.delete(key);
      });
    for (const key of keys) lastJobs.set(key, settled);
    return result;
  };
  return { run: (key, job) => runAll([key], job), runAll, isBusy: (key) => lastJobs.has(key) };
}

/**
 * The results in the order of the items, at most `concurrency` of which are in progress. After a failure no further item is
 * started, and those in progress have settled when it is thrown.
 */
export async function* mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const inProgress: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = map(item);
      // Handled when its turn comes.
      result.catch(() => {});
      inProgress.push(result);
      if (inProgress.length < concurrency) continue;
      const first = inProgress.shift();
      if (first) yield await first;
    }
    for (let next = inProgress.shift(); next; next = inProgress.shift()) yield await next;
  } finally {
    await Promise.allSettled(inProgress);
  }
}

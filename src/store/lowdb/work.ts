// Work on the disk: so much at once, in turn for one record, and never without a bound. Used by the
// lowdb store, so that a flood of requests runs out of neither file descriptors nor memory.

import { diskBusy } from '../refusals.ts';

export interface Work {
  /** Runs the job when one of the slots is free. Throws UNAVAILABLE when too many jobs wait. */
  run<T>(job: () => Promise<T>): Promise<T>;
  /** The same, and after every earlier job of this key. A job must not wait for another one. */
  inTurn<T>(key: string, job: () => Promise<T>): Promise<T>;
  /** Resolves when the jobs that were given so far are done, well or not. */
  idle(): Promise<void>;
}

export function createWork(options: { readonly width: number; readonly maxWaiting: number }): Work {
  const jobs = new Set<Promise<unknown>>();
  const lastOf = new Map<string, Promise<unknown>>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const inSlot = async <T>(job: () => Promise<T>): Promise<T> => {
    // A slot that becomes free is handed to the one that waits longest, without being counted down.
    if (running >= options.width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await job();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };

  const tracked = <T>(start: () => Promise<T>): Promise<T> => {
    if (jobs.size >= options.width + options.maxWaiting) {
      throw diskBusy(jobs.size);
    }
    const job = start();
    jobs.add(job);
    const done = () => void jobs.delete(job);
    job.then(done, done);
    return job;
  };

  return {
    run: async (job) => tracked(() => inSlot(job)),
    inTurn: async (key, job) =>
      tracked(() => {
        const earlier = lastOf.get(key) ?? Promise.resolve();
        const mine = earlier.then(() => inSlot(job));
        const settled = mine
          .catch(() => {})
          .then(() => {
            if (lastOf.get(key) === settled) lastOf.delete(key);
          });
        lastOf.set(key, settled);
        return mine;
      }),
    idle: async () => void (await Promise.allSettled(jobs)),
  };
}

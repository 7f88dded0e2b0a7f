// Limits the concurrency of disk operations, runs those of one record one after the other, and bounds the queue, so
// that a flood of requests exhausts neither file descriptors nor memory. Used by the lowdb store.

import { createKeyedMutex } from '../../lib/concurrency.ts';
import { createSemaphore } from '../../lib/semaphore.ts';
import { diskBusyError } from '../errors.ts';

export interface DiskQueue {
  /** Runs the job once a slot is free. Throws UNAVAILABLE when the queue is full. */
  run<T>(job: () => Promise<T>): Promise<T>;
  /** The same, after all earlier jobs of this key. A job must not wait for another job. */
  runExclusive<T>(key: string, job: () => Promise<T>): Promise<T>;
  /**
   * Runs the job after all earlier jobs of this key, without a slot: for a job that waits for others, and takes a slot by
   * `run` for each operation of its own.
   */
  runInOrder<T>(key: string, job: () => Promise<T>): Promise<T>;
  /** Whether a job of this key runs or waits. */
  isBusy(key: string): boolean;
  /** Resolves once all jobs given so far have settled. */
  idle(): Promise<void>;
}

interface DiskQueueOptions {
  readonly concurrency: number;
  /** Jobs that may wait for a slot or for another job of their key. */
  readonly maxWaiting: number;
}

export function createDiskQueue({ concurrency, maxWaiting }: DiskQueueOptions): DiskQueue {
  const jobs = new Set<Promise<unknown>>();
  const slots = createSemaphore({ maxHolders: concurrency });
  const mutex = createKeyedMutex();

  const runInSlot = async <T>(job: () => Promise<T>): Promise<T> => {
    const release = await slots.acquire();
    try {
      return await job();
    } finally {
      release();
    }
  };
  const track = <T>(start: () => Promise<T>): Promise<T> => {
    if (jobs.size >= concurrency + maxWaiting) throw diskBusyError(jobs.size);
    const job = start();
    jobs.add(job);
    const done = () => void jobs.delete(job);
    job.then(done, done);
    return job;
  };

  return {
    run: async (job) => track(() => runInSlot(job)),
    runExclusive: async (key, job) => track(() => mutex.run(key, () => runInSlot(job))),
    runInOrder: async (key, job) => track(() => mutex.run(key, job)),
    isBusy: mutex.isBusy,
    idle: async () => void (await Promise.allSettled(jobs)),
  };
}

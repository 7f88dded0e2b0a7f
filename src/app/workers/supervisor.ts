// Keeps a number of worker processes running: starts them, replaces those that end, replaces all of them one after the other for a
// new configuration, and stops them. Used by primary.ts; knows nothing of what a worker does.

import type { Clock, Log } from '../../domain/shared/ports.ts';
import { isErrorCode, messageOf, SwobError } from '../../errors.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { Peer } from '../../store/remote/interface.ts';
import type { WorkerCounts } from '../compose/primary-metrics.ts';
import type { Endpoints } from '../compose/start.ts';
import { stopBudgetMs } from '../lifecycle.ts';
import type { ToPrimary, ToWorker } from './messages.ts';

/** How a process ended. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it could not be started at all. */
  readonly error?: string;
}

export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Never throws; a message to a process that has ended is dropped. */
  send(message: ToWorker): void;
  onMessage(listener: (message: ToPrimary) => void): void;
  /** For the store of this process. */
  readonly peer: Peer;
  /** Ends it immediately. */
  kill(): void;
  /** Resolves once it has ended, and all its messages have been received. */
  readonly ended: Promise<WorkerExit>;
}

export interface Worker {
  /** The smallest number from 1 on that no other worker has. */
  readonly slot: number;
  readonly process: WorkerProcess;
  /** Whether its services listen, and it is not being stopped. */
  readonly isReady: boolean;
}

export interface SupervisorDeps {
  readonly count: number;
  /** Starts a process, which reports `ready` or `failed`. */
  readonly spawn: (slot: number) => WorkerProcess;
  /** A worker that does not respond for so long is killed and replaced; undefined: `hangMs`. */
  readonly watchdogMs?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Supervisor {
  /** Starts one worker, and then the others. Throws the error of the first that cannot start; the caller stops the supervisor. */
  start(): Promise<Endpoints>;
  /**
   * Replaces every worker, one after the other: the new one is ready before the old one is drained. Throws the error of one that cannot
   * start; the workers that are not replaced yet keep running.
   */
  replaceAll(): Promise<void>;
  /** @returns how many workers were killed at the deadline */
  stop(deadline: Deadline): Promise<number>;
  /** From the beginning of a stop on: a worker that comes online then gets no work. */
  isStopping(): boolean;
  workers(): readonly Worker[];
  counts(): WorkerCounts;
  /** Rejects when a worker could not be replaced time after time, with its error. */
  readonly failed: Promise<never>;
}

interface SupervisedWorker extends Worker {
  state: 'starting' | 'ready' | 'stopping';
  readonly isReady: boolean;
  readonly ready: Promise<Endpoints>;
}

/** A start that takes longer has failed: each call to another system has a shorter timeout. */
const startTimeoutMs = 60_000;
/** Longer than any garbage collection, swapping or full disk holds up a process that recovers. */
export const hangMs = 60_000;
/** Starts that fail one after the other before the daemon ends. */
const maxFailedStarts = 5;
/** The first replacement is immediate, then there are pauses, each twice as long as the one before. */
const firstPauseMs = 200;
const maxPauseMs = 10_000;
/** Ends that are longer ago do not count. */
const endsCountMs = 60_000;
/** How long a worker may take to end after its connections were drained for `drainMs` (worker.ts), and its services stopped. */
const retireMs = 15_000;
/** Of the time of a stop, for the workers' last messages. */
const messageReserveMs = 300;

export function createSupervisor({
  count,
  spawn,
  watchdogMs = hangMs,
  clock,
  log,
}: SupervisorDeps): Supervisor {
  const workers = new Set<SupervisedWorker>();
  let isStopping = false;
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // It is awaited only once everything has started.
  failed.catch(() => undefined);
  let [crashed, reloaded] = [0, 0];
  let recentEnds: number[] = [];
  const pauses = new Set<() => void>();

  const launch = (): SupervisedWorker => {
    const taken = new Set([...workers].map(({ slot }) => slot));
    let slot = 1;
    while (taken.has(slot)) slot++;
    const process = spawn(slot);
    const worker: SupervisedWorker = {
      slot,
      process,
      state: 'starting',
      get isReady() {
        return this.state === 'ready';
      },
      ready: new Promise<Endpoints>((resolve, reject) => {
        const cancel = clock.after(startTimeoutMs, () => {
          reject(new SwobError('UNAVAILABLE', `worker ${slot} was not ready after ${startTimeoutMs} ms`));
          process.kill();
        });
        process.onMessage((message) => {
          if (message.kind === 'failed') reject(errorOf(message));
          if (message.kind !== 'ready') return;
          cancel();
          if (worker.state === 'starting') worker.state = 'ready';
          log.info({ worker: slot, pid: process.pid }, 'a worker is ready');
          watch(worker, watchdogMs / 2);
          resolve(message.endpoints);
        });
        void process.ended.then((exit) => {
          cancel();
          workers.delete(worker);
          reject(new SwobError('INTERNAL', `worker ${slot} ended before it was ready: ${describe(exit)}`));
          if (worker.state === 'ready') onCrash(worker, exit);
        });
      }),
    };
    worker.ready.catch(() => undefined);
    workers.add(worker);
    return worker;
  };

  /** Rejects also when the system refuses a process at once. */
  const launchReady = async (): Promise<Endpoints> => launch().ready;

  const watch = ({ slot, process }: Worker, everyMs: number): void => {
    let isAlive = true;
    process.onMessage((message) => {
      if (message.kind === 'alive') isAlive = true;
    });
    const stop = clock.every(everyMs, () => {
      if (isAlive) process.send({ kind: 'ping' });
      else {
        log.error({ worker: slot, pid: process.pid }, 'a worker does not respond, and is killed');
        process.kill();
      }
      isAlive = false;
    });
    void process.ended.then(stop);
  };

  const onCrash = ({ slot, process: { pid } }: Worker, exit: WorkerExit): void => {
    if (isStopping) return;
    log.error({ worker: slot, pid, ...exit }, 'a worker has ended; it is replaced');
    crashed++;
    const now = clock.monotonic();
    recentEnds = [...recentEnds.filter((at) => now - at < endsCountMs), now].slice(-16);
    replace(pauseAfter(recentEnds.length - 1), 1);
  };
  /** `attempt` counts the starts of this replacement. */
  const replace = (pauseMs: number, attempt: number): void => {
    const startOne = (): void => {
      pauses.delete(cancel);
      if (isStopping) return;
      launchReady().catch((error: unknown) => {
        if (isStopping) return;
        if (attempt >= maxFailedStarts) return fail(error);
        log.error({ attempt, error: messageOf(error) }, 'a worker could not start');
        replace(pauseAfter(attempt), attempt + 1);
      });
    };
    const cancel = clock.after(pauseMs, startOne);
    pauses.add(cancel);
  };

  const retire = async (worker: SupervisedWorker): Promise<void> => {
    worker.state = 'stopping';
    worker.process.send({ kind: 'drain' });
    const cancel = clock.after(retireMs, () => {
      log.error({ worker: worker.slot, pid: worker.process.pid }, 'a worker did not stop in time');
      worker.process.kill();
    });
    await worker.process.ended;
    cancel();
  };

  return {
    failed,
    isStopping: () => isStopping,
    workers: () => [...workers],
    counts: () => ({ running: [...workers].filter(({ isReady }) => isReady).length, crashed, reloaded }),
    start: async () => {
      // Alone, so that what is created at a first start, such as the key pair, is created once, and an error appears once.
      const endpoints = await launch().ready;
      const others = isStopping ? 0 : count - 1;
      await Promise.all(Array.from({ length: others }, () => launch().ready));
      return endpoints;
    },
    replaceAll: async () => {
      for (const worker of [...workers].filter(({ state }) => state !== 'stopping')) {
        // It may have been given the former configuration.
        if (worker.state === 'starting') await worker.ready.catch(() => undefined);
        // Its replacement gets the new one.
        if (worker.state !== 'ready' || !workers.has(worker)) continue;
        const next = isStopping ? undefined : launch();
        await next?.ready;
        // It may have ended meanwhile, and been replaced already; then there is one more than needed for it.
        const surplus = workers.has(worker) ? worker : next;
        if (isStopping || !surplus) return;
        await retire(surplus);
        reloaded++;
      }
    },
    stop: async (deadline) => {
      isStopping = true;
      for (const cancel of pauses) cancel();
      const all = [...workers];
      const budgetMs = Math.min(stopBudgetMs, deadline.remainingMs()) - messageReserveMs;
      for (const worker of all) {
        worker.state = 'stopping';
        worker.process.send({ kind: 'stop', budgetMs });
      }
      const ends = Promise.all(all.map(({ process }) => process.ended));
      if (await deadline.settles(ends)) return 0;
      const late = [...workers];
      for (const { process } of late) process.kill();
      await ends;
      return late.length;
    },
  };
}

function pauseAfter(earlier: number): number {
  return earlier === 0 ? 0 : Math.min(maxPauseMs, firstPauseMs * 2 ** (earlier - 1));
}

function errorOf({ code, message }: Extract<ToPrimary, { kind: 'failed' }>): Error {
  return isErrorCode(code) ? new SwobError(code, message) : new Error(message);
}

function describe({ code, signal, error }: WorkerExit): string {
  if (error !== undefined) return error;
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

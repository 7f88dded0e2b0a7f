// Request coalescing: work runs at most once at a time for each key, and every concurrent call gets its outcome, within
// this process and among all that share its store. Used by publishing, outgoing SMS and disconnects.

import { type ErrorCode, isErrorCode, messageOf, SwobError } from '../../errors.ts';
import { tryParseJson } from '../../lib/json.ts';
import type { CountedKey, LimitExceeded } from './limit-keys.ts';
import type { Clock, LeaseGrant, LeaseStore, Log } from './ports.ts';

export interface Coalescer<T> {
  /**
   * The outcome of `work`, or of the work that is already running for this key. Throws what that throws, and
   * UNAVAILABLE when the work of another process takes too long or the store is unavailable.
   * @param grant what `acquireCounted` has returned
   */
  run(key: string, work: () => Promise<T>, grant?: LeaseGrant): Promise<T>;
  /**
   * Counts one event for all of these keys and acquires the lease for `run`, which must follow without an await, unless a limit is
   * exceeded. Undefined where counting alone is as cheap.
   */
  readonly acquireCounted?: (
    key: string,
    counts: readonly CountedKey[],
  ) => Promise<LeaseGrant | LimitExceeded>;
  /** Whether this process runs work for the key. */
  has(key: string): boolean;
  /** Number of keys with running work in this process. */
  readonly size: number;
  /** Resolves when no work runs in this process, and its outcomes are reported to others. */
  idle(): Promise<void>;
}

/** Kinds of leased work: the prefix of their keys, and a label of metrics. */
export const leasedWork = ['sms', 'request', 'disconnect'] as const;
export type LeasedWork = (typeof leasedWork)[number];

export interface CoalescerOptions<T> {
  /** Prefix of the keys in the store. */
  readonly name: LeasedWork;
  /** Undefined where no other process shares the store. */
  readonly leases: LeaseStore | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** Parses a value that another process has reported; undefined when it is malformed. */
  readonly read: (value: unknown) => T | undefined;
}

/** The keys of a process that dies are blocked for this long. */
const leaseMs = 10_000;
const renewEveryMs = 3_000;
/** Intervals between polls for the outcome of another process: the first, and the longest. */
const firstPollMs = 20;
const maxPollMs = 250;
/** No work takes longer, as every upstream call has its own timeout. */
const maxWaitMs = 300_000;

export function createCoalescer<T>(options: CoalescerOptions<T>): Coalescer<T> {
  const { name, leases, clock, log } = options;
  const acquireCounted = leases?.acquireCounted;
  const local = new Map<string, Promise<T>>();
  /** Reports of outcomes that are on their way. */
  const reports = new Set<Promise<void>>();

  const runShared = async (
    shared: LeaseStore,
    key: string,
    work: () => Promise<T>,
    grant: LeaseGrant | undefined,
  ): Promise<T> => {
    const deadline = clock.monotonic() + maxWaitMs;
    for (let next = grant; clock.monotonic() < deadline; next = undefined) {
      const { leaseId, acquired: mine } = next ?? (await shared.acquire(key, leaseMs));
      if (mine) return runLeased(shared, { key, leaseId }, work);
      const outcome = await awaitOutcome(shared, { key, leaseId }, deadline);
      if (outcome !== undefined) return read(outcome);
      // The process that held the lease has died: acquire it.
    }
    throw new SwobError(
      'UNAVAILABLE',
      `another process has been working on the same ${name} for too long; try again`,
      {
        retryAfter: 1,
      },
    );
  };

  /** Runs the work while renewing its lease, then reports the outcome to the processes that wait for it. */
  const runLeased = async (shared: LeaseStore, at: Lease, work: () => Promise<T>): Promise<T> => {
    const logFailure = (what: string) => (error: unknown) =>
      log.warn({ name, reason: messageOf(error) }, `a lease could not be ${what}`);
    const stop = clock.every(renewEveryMs, () => {
      shared.renew(at.key, at.leaseId, leaseMs).catch(logFailure('renewed'));
    });
    // Nobody here waits for it: the store runs it before any later call of this process.
    const complete = (outcome: RemoteOutcome): void => {
      const report = reportOutcome(JSON.stringify(outcome));
      reports.add(report);
      void report.finally(() => reports.delete(report));
    };
    const reportOutcome = async (outcome: string): Promise<void> => {
      const wasHeld = await shared.complete(at.key, at.leaseId, outcome).catch(logFailure('completed'));
      if (wasHeld === false)
        log.warn(
          { name },
          'a lease has expired during its work; another process may have done the same work',
        );
    };
    try {
      const value = await work();
      stop();
      complete({ value });
      return value;
    } catch (error) {
      stop();
      complete({ error: toRemoteError(error) });
      throw error;
    }
  };

  const awaitOutcome = async (
    shared: LeaseStore,
    at: Lease,
    deadline: number,
  ): Promise<string | undefined> => {
    for (let pause = firstPollMs; clock.monotonic() < deadline; pause = Math.min(maxPollMs, pause * 2)) {
      const found = await shared.poll(at.key, at.leaseId);
      if (found === 'lost') return undefined;
      if (found !== 'running') return found.outcome;
      await new Promise<void>((resolve) => clock.after(pause, resolve));
    }
    return undefined;
  };

  const read = (text: string): T => {
    const outcome: Partial<RemoteOutcome> = Object(tryParseJson(text));
    if (outcome.error) throw fromRemoteError(outcome.error);
    const value = options.read(outcome.value);
    if (value === undefined)
      throw new SwobError('INTERNAL', `another process has reported a malformed ${name}`);
    return value;
  };

  return {
    ...(acquireCounted && {
      acquireCounted: (key, counts) => acquireCounted(`${name}:${key}`, leaseMs, counts),
    }),
    run: (key, work, grant) => {
      const running = local.get(key);
      // A caller that has got the lease must run the work: what runs here waits for another process.
      if (running && !grant?.acquired) return running;
      const mine = (leases ? runShared(leases, `${name}:${key}`, work, grant) : work()).finally(() => {
        if (local.get(key) === mine) local.delete(key);
      });
      local.set(key, mine);
      return mine;
    },
    has: (key) => local.has(key),
    get size() {
      return local.size;
    },
    idle: async () => {
      await Promise.allSettled(local.values());
      await Promise.allSettled(reports);
    },
  };
}

interface Lease {
  readonly key: string;
  readonly leaseId: string;
}

/** The outcome of work as processes report it to each other, in JSON. */
interface RemoteOutcome {
  readonly value?: unknown;
  readonly error?: RemoteError;
}

interface RemoteError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly publicMessage: string;
  readonly retryAfter?: number | undefined;
}

function toRemoteError(error: unknown): RemoteError {
  const known = error instanceof SwobError ? error : new SwobError('INTERNAL', messageOf(error));
  return {
    code: known.code,
    message: known.message,
    publicMessage: known.publicMessage,
    retryAfter: known.retryAfter,
  };
}

function fromRemoteError({ code, message, publicMessage, retryAfter }: RemoteError): SwobError {
  if (!isErrorCode(code)) return new SwobError('INTERNAL', 'another process has reported a malformed error');
  return new SwobError(code, String(message), {
    publicMessage: String(publicMessage),
    ...(typeof retryAfter === 'number' && { retryAfter }),
  });
}

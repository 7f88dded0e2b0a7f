// Calls the first of several hosts that works, and passes over one that has failed for a while. Used by the client of the PCRF.

import type { Clock } from '../shared/ports.ts';

/** How long one call to a host may take, in milliseconds. */
export interface CallLimits {
  /** Until a connection is free. */
  readonly waitMs: number;
  /** From then on, until the request must have been sent. */
  readonly sendMs: number;
  /** From then on, until the whole response. */
  readonly totalMs: number;
}

/**
 * How a call to a host ended:
 * - `answered`: the host works, whatever it answered
 * - `busy`: no connection to it became free
 * - `failed`: it is unreachable, did not answer in time, or broke off
 * - `stopping`: swob is shutting down
 */
export const hostOutcomes = ['answered', 'busy', 'failed', 'stopping'] as const;
type HostOutcome = (typeof hostOutcomes)[number];

/** A call to a host that has ended. */
export interface HostCall<T> {
  readonly outcome: HostOutcome;
  /** Whether anything was sent, so that the host may have acted on it. */
  readonly mayHaveActed: boolean;
  readonly value: T;
}

export interface FailoverOptions {
  /** Names of the hosts, in their order. */
  readonly hosts: readonly string[];
  /** Milliseconds that a host which has failed is passed over. */
  readonly pauseMs: number;
  /** Milliseconds of all calls of a run together: for connections to become free, and for the rest. */
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

interface FailoverRun<T> {
  /** The host of the last call. */
  readonly host: string;
  readonly value: T;
  /** What the calls before it ended with, in their order. */
  readonly earlier: readonly T[];
  /** Calls of which anything was sent. */
  readonly sent: number;
}

interface RunOptions {
  /** Calls another host also when one may have acted; not unless given. */
  readonly repeats?: boolean;
  /** Milliseconds for all calls, when that is less than those of the failover. */
  readonly withinMs?: number;
}

/**
 * - `working`: its last call was answered, or it has not been called
 * - `failed`: it is passed over
 * - `probing`: its time has passed, so that the next call, or the one that runs, decides
 */
type HostState = 'working' | 'failed' | 'probing';

export interface Failover {
  /**
   * Calls one host after the other until one answers, or may have acted. All calls together take no longer than `waitMs` and
   * `timeoutMs` together, so a host that others follow has its share of the time left to take the request, and with `repeats`
   * to answer it.
   */
  run<T>(
    call: (host: string, limits: CallLimits) => Promise<HostCall<T>>,
    options?: RunOptions,
  ): Promise<FailoverRun<T>>;
  states(): readonly HostHealth[];
}

export interface HostHealth {
  readonly host: string;
  readonly state: HostState;
  /** Calls that have ended, by outcome. */
  readonly calls: Readonly<Record<HostOutcome, number>>;
}

interface Host {
  readonly name: string;
  /** Monotonic time until which it is passed over; undefined while it works. */
  failedUntil: number | undefined;
  isProbed: boolean;
  readonly calls: Record<HostOutcome, number>;
}

/** There must be a host. */
export function createFailover({ hosts, pauseMs, waitMs, timeoutMs, clock }: FailoverOptions): Failover {
  const all: Host[] = hosts.map((name) => ({
    name,
    failedUntil: undefined,
    isProbed: false,
    calls: { answered: 0, busy: 0, failed: 0, stopping: 0 },
  }));
  const stateOf = ({ failedUntil, isProbed }: Host): HostState => {
    if (failedUntil === undefined) return 'working';
    return isProbed || clock.monotonic() >= failedUntil ? 'probing' : 'failed';
  };
  /** One call at a time finds out whether a failed host is back. */
  const isPassedOver = (host: Host): boolean => stateOf(host) === 'failed' || host.isProbed;

  const callHost = async <T>(host: Host, call: () => Promise<HostCall<T>>): Promise<HostCall<T>> => {
    const probes = stateOf(host) === 'probing' && !host.isProbed;
    if (probes) host.isProbed = true;
    try {
      const result = await call();
      host.calls[result.outcome] += 1;
      if (result.outcome === 'answered') host.failedUntil = undefined;
      if (result.outcome === 'failed') host.failedUntil = clock.monotonic() + pauseMs;
      return result;
    } finally {
      if (probes) host.isProbed = false;
    }
  };

  const limitsOf = (leftMs: number, hostsLeft: number, repeats: boolean): CallLimits => {
    const share = leftMs / hostsLeft;
    const wait = Math.round((share * waitMs) / (waitMs + timeoutMs));
    const send = Math.max(1, Math.round(share) - wait);
    const total = repeats ? send : Math.max(1, Math.min(timeoutMs, Math.round(leftMs) - wait));
    return { waitMs: wait, sendMs: Math.min(send, total), totalMs: total };
  };

  const run = async <T>(
    call: (host: string, limits: CallLimits) => Promise<HostCall<T>>,
    { repeats = false, withinMs = Number.POSITIVE_INFINITY }: RunOptions = {},
  ): Promise<FailoverRun<T>> => {
    const endsAt = clock.monotonic() + Math.min(waitMs + timeoutMs, withinMs);
    // Those that are passed over are the last resort.
    const order =
      all.length === 1 ? all : [...all.filter((host) => !isPassedOver(host)), ...all.filter(isPassedOver)];
    const earlier: T[] = [];
    let sent = 0;
    for (const [index, host] of order.entries()) {
      const hostsLeft = order.length - index;
      const limits = limitsOf(endsAt - clock.monotonic(), hostsLeft, repeats);
      const { outcome, mayHaveActed, value } = await callHost(host, () => call(host.name, limits));
      if (mayHaveActed) sent += 1;
      const isFinal = outcome === 'answered' || outcome === 'stopping' || (mayHaveActed && !repeats);
      if (isFinal || hostsLeft === 1 || endsAt - clock.monotonic() < 1)
        return { host: host.name, value, earlier, sent };
      earlier.push(value);
    }
    throw new RangeError('there is no host');
  };

  return {
    run,
    states: () => all.map((host) => ({ host: host.name, state: stateOf(host), calls: { ...host.calls } })),
  };
}

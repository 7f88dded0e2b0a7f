// What the seeds need from the outside; store/ has the adapters, and test/contract their suite.

import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { DeliveringClient, ReliabilityPeriod, ReliabilityTest, Seed } from './model.ts';

export interface SeedStore {
  /**
   * Records a ping, synchronously where memory suffices, because most requests are pings. A new IMSI or a changed
   * MSISDN or type is durable when this resolves, an LPS alone within a second. A full store evicts the seed that has
   * been silent for longest in favour of a new IMSI. Rejects with UNAVAILABLE. @returns the milliseconds since the ping before,
   * on whatever node, where it is known
   */
  ping(seed: Seed): MaybePromise<number | undefined>;
  /**
   * The seeds whose last ping is at most `maxAgeMs` old, synchronously where they are in memory; setting the clock back
   * revives none. A store in memory returns the identical array while nothing has changed, and the identical object for
   * a seed that has not pinged since.
   */
  active(maxAgeMs: number): MaybePromise<readonly Seed[]>;
  /** An active seed by its IMSI. */
  getActive(imsi: string, maxAgeMs: number): Promise<Seed | undefined>;
  /** The latest registration of an IMSI, active or not. */
  get(imsi: string): Promise<Seed | undefined>;
  /** Number of registered seeds, and number of seeds that this process has evicted. */
  usage(): Promise<{ readonly registered: number; readonly evicted: number }>;
}

/** Gateway clients that have delivered SMS, bounded in number: the longest silent are evicted. */
export interface DeliveringClientStore {
  /**
   * Records the deliveries of several clients; an earlier one than is known changes nothing. Durable when this resolves.
   * Throws UNAVAILABLE.
   */
  record(clients: readonly DeliveringClient[]): Promise<void>;
  /** The longest silent first. */
  list(): Promise<readonly DeliveringClient[]>;
}

/** Tests of one client in a period. */
export interface TestCounts {
  /** Those that arrived in time, and those that can no longer do so. */
  readonly decided: number;
  readonly inTime: number;
}

/**
 * Reliability tests, bounded in time, in number for each client and in total: the oldest are evicted. Every change is
 * durable when its promise resolves. Throws UNAVAILABLE.
 */
export interface ReliabilityTestStore {
  /** Adds a new test; false when its id is taken. */
  add(test: ReliabilityTest): Promise<boolean>;
  get(id: number): Promise<ReliabilityTest | undefined>;
  /** Replaces a test while it is as it was read; false otherwise. */
  replace(test: ReliabilityTest, earlier: ReliabilityTest): Promise<boolean>;
  /** The tests of a client that were not cancelled, the newest first. */
  list(msisdn: string): Promise<readonly ReliabilityTest[]>;
  /** Counts the tests of each of these clients, in their order. */
  count(msisdns: readonly string[], period: ReliabilityPeriod): Promise<readonly TestCounts[]>;
}

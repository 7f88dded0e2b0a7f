// Options of every store; the app derives them from the configuration.

import type { Clock, Log } from '../domain/shared/ports.ts';

export interface StoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sessions: {
    /** Time to live of each state, in milliseconds. */
    readonly openTtlMs: number;
    readonly pausedTtlMs: number;
    readonly pairedTtlMs: number;
    /**
     * Maximum of open sessions to which no socket has attached, and of those that were rotated last without a socket;
     * above it the oldest are evicted.
     */
    readonly maxOpen: number;
  };
  readonly seeds: {
    /** The greatest age that `active` is called with; older seeds need not stay in memory. */
    readonly activeMs: number;
    /** Maximum of registered IMSIs; above it a new one evicts the seed that has been silent longest. */
    readonly maxRegistered: number;
  };
  readonly clients: {
    /** Maximum of gateway clients that have delivered; above it the longest silent are evicted. */
    readonly max: number;
  };
  readonly tests: TestBounds;
  readonly disconnects: AuditBounds;
  readonly inbound: OutboxBounds;
  readonly receipts: TtlBounds;
  readonly callbacks: OutboxBounds;
  readonly responses: TtlBounds;
  /** Above the maximum the oldest are evicted, those in a final state first. */
  readonly messages: TtlBounds;
  readonly waitingSms: OutboxBounds;
  readonly signOuts: TtlBounds;
  readonly monitoring: MonitoringBounds;
}

export interface MonitoringBounds {
  /** Maximum of nodes, and of histories; above it those that have been silent longest are evicted. */
  readonly maxNodes: number;
  /** How long a silent node is known, and how long a history is kept after it was last saved, in milliseconds. */
  readonly nodeTtlMs: number;
  readonly historyTtlMs: number;
}

/** Bounds of reliability tests; above them the oldest are evicted. */
export interface TestBounds {
  /** How long a test is kept, in milliseconds. */
  readonly ttlMs: number;
  readonly max: number;
  readonly maxPerClient: number;
}

/** Bounds of the audit trail of disconnects; above them the oldest records are evicted. */
export interface AuditBounds {
  /** How long a record is kept, in milliseconds. */
  readonly ttlMs: number;
  readonly max: number;
  /** Of records that anybody can cause without a valid token, which are counted on their own. */
  readonly maxUntrusted: number;
}

export interface OutboxBounds {
  /** Maximum of waiting and dead-lettered entries; a new one above it is rejected. */
  readonly max: number;
}

export interface TtlBounds {
  /** How long a value is kept, in milliseconds. */
  readonly ttlMs: number;
  /** Maximum of values; above it the oldest are evicted. */
  readonly max: number;
  /** Maximum of characters in all values together; above it the oldest are evicted. Unbounded for small values. */
  readonly maxCharacters?: number;
}

/** The greatest value of `[seeds] expiry`, in milliseconds: no seed with an older ping is active. */
export const maxSeedExpiryMs = 86_400_000;

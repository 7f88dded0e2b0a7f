// What every store is opened with; made from the configuration by app, by hand in tests.

import type { Clock, Log } from '../domain/ports.ts';

export interface StoreOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly sessions: {
    /** Time to live of each state, in milliseconds. */
    readonly openTtlMs: number;
    readonly pausedTtlMs: number;
    readonly pairedTtlMs: number;
    /** Open sessions held at once; above it the oldest are forgotten. */
    readonly maxOpen: number;
  };
  readonly seeds: {
    /** The longest age that `active` is asked for; older seeds need not stay in memory. */
    readonly activeMs: number;
    /** IMSIs that are kept; a new one above it is refused. */
    readonly maxRegistered: number;
  };
  readonly inbound: OutboxBounds;
  readonly published: MemoBounds;
  readonly callbacks: OutboxBounds;
  readonly answers: MemoBounds;
}

export interface OutboxBounds {
  /** Parcels that wait or were given up; a new one above it is refused. */
  readonly max: number;
}

export interface MemoBounds {
  /** How long a value is remembered, in milliseconds. */
  readonly rememberMs: number;
  /** Values that are remembered at once; the oldest give way. */
  readonly max: number;
  /** Characters in all of them together; the oldest give way. Not bounded when values are small. */
  readonly maxCharacters?: number;
}

// The memory budget for request bodies, shared fairly between addresses over all connections of a process. Used by
// body-parsers.ts; created once in app/compose.

import { SwobError } from '../errors.ts';

export interface BodyBudget {
  /** An empty reservation for a request from this address. */
  reserve(address: string): BodyReservation;
  /** Bytes reserved now. */
  readonly usedBytes: number;
  /** Bodies rejected since the start. */
  readonly rejected: number;
}

export interface BodyReservation {
  /** Raises the reservation to `bytes` in all, or returns the error to respond with when the budget does not allow it. */
  grow(bytes: number): SwobError | undefined;
  /** Bytes of the budget that it takes. */
  readonly bytes: number;
  /** Returns everything to the budget; idempotent. */
  release(): void;
}

/** Bodies up to this size are never rejected, so that pings and most SMS pass: they are no larger than their request. */
export const unmeteredBytes = 2 * 1_024;
/** Larger bodies leave a share of the budget to bodies up to this size. */
const mediumBytes = 16 * 1_024;
const mediumShare = 1 / 4;
const retryAfterSeconds = 2;

/**
 * An address may reserve as much as is left for all others: one address gets half of `max`, two get a third each. A single
 * client cannot exhaust the budget, and no share has to be configured.
 */
export function createBodyBudget(max: number): BodyBudget {
  const reservedByAddress = new Map<string, number>();
  let usedBytes = 0;
  let rejected = 0;

  const change = (address: string, bytes: number): void => {
    usedBytes += bytes;
    const reserved = (reservedByAddress.get(address) ?? 0) + bytes;
    if (reserved > 0) reservedByAddress.set(address, reserved);
    else reservedByAddress.delete(address);
  };

  return {
    reserve: (address) => {
      let reserved = 0;
      return {
        grow: (bytes) => {
          const additional = bytes - unmeteredBytes - reserved;
          if (additional <= 0) return undefined;
          const remaining = max - usedBytes - additional;
          const keptFree = bytes > mediumBytes ? max * mediumShare : 0;
          const ofAddress = (reservedByAddress.get(address) ?? 0) + additional;
          if (remaining < keptFree || ofAddress > remaining) {
            rejected++;
            return new SwobError('UNAVAILABLE', 'too much data is being received, try again', {
              retryAfter: retryAfterSeconds,
            });
          }
          reserved += additional;
          change(address, additional);
          return undefined;
        },
        get bytes() {
          return reserved;
        },
        release: () => {
          if (reserved > 0) change(address, -reserved);
          reserved = 0;
        },
      };
    },
    get usedBytes() {
      return usedBytes;
    },
    get rejected() {
      return rejected;
    },
  };
}

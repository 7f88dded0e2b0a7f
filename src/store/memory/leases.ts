// Leases in memory: of a process that serves its store to others (remote/owner.ts), and in tests of the domain.

import type { Clock, LeaseStore } from '../../domain/shared/ports.ts';
import { SwobError } from '../../errors.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';

export interface MemoryLeases extends LeaseStore {
  /** Ends a lease whose holder is gone: its work counts as lost. */
  release(key: string, leaseId: string): void;
}

interface Lease {
  readonly leaseId: string;
  /** By the monotonic clock. */
  readonly until: number;
}

/** Waiting processes poll several times a second. */
const outcomeTtlMs = 30_000;
/** More than all processes together run at a time. */
const maxLeases = 100_000;
const maxOutcomes = { count: 100_000, characters: 32 * 1024 * 1024 };

export function createMemoryLeases(clock: Pick<Clock, 'monotonic'>): MemoryLeases {
  const leases = new Map<string, Lease>();
  /** By the id of the lease. */
  const outcomes = createTtlCache<string>(clock, outcomeTtlMs, maxOutcomes.count, {
    max: maxOutcomes.characters,
    of: (outcome) => outcome.length,
  });
  let nextId = 0;

  const current = (key: string): Lease | undefined => {
    const found = leases.get(key);
    return found && found.until > clock.monotonic() ? found : undefined;
  };
  const keep = (key: string, leaseId: string, leaseMs: number): void => {
    const isNew = !leases.has(key);
    if (isNew && leases.size >= maxLeases) purge();
    if (isNew && leases.size >= maxLeases) {
      throw new SwobError('UNAVAILABLE', `${maxLeases} leases are held, which is the maximum; try again`, {
        retryAfter: 1,
      });
    }
    leases.set(key, { leaseId, until: clock.monotonic() + leaseMs });
  };
  const purge = (): void => {
    const now = clock.monotonic();
    for (const [key, { until }] of leases) if (until <= now) leases.delete(key);
  };

  return {
    acquire: async (key, leaseMs) => {
      const other = current(key);
      if (other) return { leaseId: other.leaseId, acquired: false };
      const leaseId = String(++nextId);
      keep(key, leaseId, leaseMs);
      return { leaseId, acquired: true };
    },
    renew: async (key, leaseId, leaseMs) => {
      const holder = current(key);
      if (!holder || holder.leaseId === leaseId) keep(key, leaseId, leaseMs);
    },
    complete: async (key, leaseId, outcome) => {
      const isHeld = current(key)?.leaseId === leaseId;
      if (isHeld) leases.delete(key);
      outcomes.set(leaseId, outcome);
      return isHeld;
    },
    poll: async (key, leaseId) => {
      const outcome = outcomes.get(leaseId);
      if (outcome !== undefined) return { outcome };
      return current(key)?.leaseId === leaseId ? 'running' : 'lost';
    },
    release: (key, leaseId) => {
      if (leases.get(key)?.leaseId === leaseId) leases.delete(key);
    },
  };
}

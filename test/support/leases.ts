// Leases of a shared store, in memory, for tests of the domain.

import type { Clock, LeaseStore } from '../../src/domain/shared/ports.ts';

export function createLeases(clock: Pick<Clock, 'monotonic'>): LeaseStore {
  const running = new Map<string, { leaseId: string; until: number }>();
  const outcomes = new Map<string, string>();
  let nextId = 0;
  const current = (key: string) => {
    const found = running.get(key);
    return found && found.until > clock.monotonic() ? found : undefined;
  };

  return {
    acquire: async (key, leaseMs) => {
      const other = current(key);
      if (other) return { leaseId: other.leaseId, acquired: false };
      const leaseId = `${nextId++}`;
      running.set(key, { leaseId, until: clock.monotonic() + leaseMs });
      return { leaseId, acquired: true };
    },
    renew: async (key, leaseId, leaseMs) => {
      const found = current(key);
      if (!found || found.leaseId === leaseId)
        running.set(key, { leaseId, until: clock.monotonic() + leaseMs });
    },
    complete: async (key, leaseId, outcome) => {
      const isHeld = current(key)?.leaseId === leaseId;
      if (isHeld) running.delete(key);
      outcomes.set(leaseId, outcome);
      return isHeld;
    },
    poll: async (key, leaseId) => {
      const outcome = outcomes.get(leaseId);
      if (outcome !== undefined) return { outcome };
      return current(key)?.leaseId === leaseId ? 'running' : 'lost';
    },
  };
}

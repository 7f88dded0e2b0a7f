// Flights of a store that several processes share, in memory, for tests of the domain.

import type { Clock, FlightStore } from '../../src/domain/ports.ts';

export function createFlights(clock: Pick<Clock, 'monotonic'>): FlightStore {
  const flying = new Map<string, { flight: string; until: number }>();
  const landed = new Map<string, string>();
  let flights = 0;
  const current = (key: string) => {
    const found = flying.get(key);
    return found && found.until > clock.monotonic() ? found : undefined;
  };

  return {
    begin: async (key, leaseMs) => {
      const other = current(key);
      if (other) return { flight: other.flight, mine: false };
      const flight = `${flights++}`;
      flying.set(key, { flight, until: clock.monotonic() + leaseMs });
      return { flight, mine: true };
    },
    renew: async (key, flight, leaseMs) => {
      const found = current(key);
      if (found?.flight === flight) found.until = clock.monotonic() + leaseMs;
    },
    land: async (key, flight, outcome) => {
      if (current(key)?.flight === flight) flying.delete(key);
      landed.set(flight, outcome);
    },
    look: async (key, flight) => {
      const outcome = landed.get(flight);
      if (outcome !== undefined) return { outcome };
      return current(key)?.flight === flight ? 'under way' : 'lost';
    },
  };
}

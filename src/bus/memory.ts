// The bus within one process.

import type { Bus, BusListener } from '../domain/ports.ts';

export function createMemoryBus(): Bus {
  // Nearly every user has one socket: a set for each would weigh more than all else here.
  const byUser = new Map<string, BusListener | Set<BusListener>>();
  const listenersOf = (userId: string): Iterable<BusListener> => {
    const known = byUser.get(userId);
    if (!known) return [];
    return known instanceof Set ? known : [known];
  };
  return {
    publish: async (event) => {
      for (const listener of listenersOf(event.userId)) listener.heard(event);
    },
    subscribe: async (userId, listener) => {
      const known = byUser.get(userId);
      if (known instanceof Set) known.add(listener);
      else byUser.set(userId, known ? new Set([known, listener]) : listener);
      return () => {
        const now = byUser.get(userId);
        if (now instanceof Set) now.delete(listener);
        if (now === listener || (now instanceof Set && now.size === 0)) byUser.delete(userId);
      };
    },
    close: async () => byUser.clear(),
  };
}

// The bus for gateway and sync services that run in one process.

import type { Bus, BusListener } from '../domain/pairing/ports.ts';

export function createMemoryBus(): Bus {
  // Nearly every user has one socket, and a Set for each of them would dominate the memory.
  const byUser = new Map<string, BusListener | Set<BusListener>>();
  const listenersOf = (userId: string): Iterable<BusListener> => {
    const known = byUser.get(userId);
    if (!known) return [];
    return known instanceof Set ? known : [known];
  };
  return {
    publish: async (event) => {
      for (const listener of listenersOf(event.userId)) listener.onEvent(event);
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

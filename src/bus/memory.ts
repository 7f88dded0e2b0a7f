// The bus within one process.

import type { Bus, BusListener } from '../domain/ports.ts';

export function createMemoryBus(): Bus {
  const byUser = new Map<string, Set<BusListener>>();
  return {
    publish: async (event) => {
      for (const listener of byUser.get(event.userId) ?? []) listener.heard(event);
    },
    subscribe: async (userId, listener) => {
      const listeners = byUser.get(userId) ?? new Set();
      byUser.set(userId, listeners.add(listener));
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) byUser.delete(userId);
      };
    },
    close: async () => byUser.clear(),
  };
}

// The bus for gateway and sync services that run in one process.

import type { Bus, BusListener } from '../domain/pairing/ports.ts';
import { createMultimap } from '../lib/multimap.ts';

export function createMemoryBus(): Bus {
  const listeners = createMultimap<BusListener>();
  return {
    publish: async (event) => {
      for (const listener of listeners.get(event.userId)) listener.onEvent(event);
    },
    subscribe: async (userId, listener) => listeners.add(userId, listener),
    unsubscribe: (userId, listener) => listeners.delete(userId, listener),
    close: async () => listeners.clear(),
  };
}

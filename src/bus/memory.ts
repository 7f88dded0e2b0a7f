// The bus within one process.

import type { Bus } from '../domain/ports.ts';
import { createListeners } from './listeners.ts';

export function createMemoryBus(): Bus {
  const listeners = createListeners();
  return {
    publish: async (event) => listeners.tell(event),
    subscribe: async (userId, listener) => {
      listeners.add(userId, listener);
      return () => void listeners.remove(userId, listener);
    },
    close: async () => {},
  };
}

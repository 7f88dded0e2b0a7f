// The bus within one process.

import type { SessionEvent } from '../domain/model.ts';
import type { Bus } from '../domain/ports.ts';

export function createMemoryBus(): Bus {
  const listeners = new Set<(event: SessionEvent) => void>();
  return {
    publish: async (event) => {
      for (const listener of listeners) listener(event);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => listeners.clear(),
  };
}

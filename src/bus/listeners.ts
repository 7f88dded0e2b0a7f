// Who in this process listens to which user's events. Used by the memory and Redis buses.

import type { SessionEvent } from '../domain/model.ts';
import type { BusListener } from '../domain/ports.ts';

export interface Listeners {
  /** @returns whether it is the first one of that user */
  add(userId: string, listener: BusListener): boolean;
  /** @returns whether it was the last one of that user */
  remove(userId: string, listener: BusListener): boolean;
  tell(event: SessionEvent): void;
  all(): Iterable<BusListener>;
}

export function createListeners(): Listeners {
  const byUser = new Map<string, Set<BusListener>>();

  return {
    add: (userId, listener) => {
      const known = byUser.get(userId);
      if (known) known.add(listener);
      else byUser.set(userId, new Set([listener]));
      return !known;
    },
    remove: (userId, listener) => {
      const known = byUser.get(userId);
      if (!known?.delete(listener) || known.size > 0) return false;
      return byUser.delete(userId);
    },
    tell: (event) => {
      for (const listener of byUser.get(event.userId) ?? []) listener.heard(event);
    },
    *all() {
      for (const listeners of byUser.values()) yield* listeners;
    },
  };
}

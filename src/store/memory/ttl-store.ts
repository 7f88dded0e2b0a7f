// The TTL store of the memory store.

import type { Clock, TtlStore } from '../../domain/shared/ports.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { TtlBounds } from '../options.ts';

/** `charactersOf` gives the size of a value where the bounds limit characters. */
export function createMemoryTtlStore<T>(
  clock: Pick<Clock, 'monotonic'>,
  { ttlMs, max, maxCharacters = Number.POSITIVE_INFINITY }: TtlBounds,
  charactersOf: (value: T) => number = () => 0,
): TtlStore<T> {
  const entries = createTtlCache<T>(clock, ttlMs, max, { max: maxCharacters, of: charactersOf });
  return {
    get: async (key) => entries.get(key),
    put: async (key, value) => entries.set(key, value),
    replace: async (key, value, earlier) => {
      if (JSON.stringify(entries.get(key)) !== JSON.stringify(earlier)) return false;
      entries.set(key, value);
      return true;
    },
  };
}

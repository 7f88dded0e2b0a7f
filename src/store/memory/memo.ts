// What is remembered for a while, in memory; for the memory store.

import type { Clock, MemoStore } from '../../domain/ports.ts';
import type { MemoBounds } from '../options.ts';
import { createExpiringMap } from './expiring-map.ts';

export function createMemoryMemo<T>(clock: Pick<Clock, 'monotonic'>, bounds: MemoBounds): MemoStore<T> {
  const known = createExpiringMap<T>(clock, bounds.rememberMs, bounds.max);
  return {
    get: async (key) => known.get(key),
    put: async (key, value) => known.set(key, value),
  };
}

// What is remembered for a while, in memory; for the memory store.

import type { Clock, MemoStore } from '../../domain/ports.ts';
import type { MemoBounds } from '../options.ts';
import { createExpiringMap } from './expiring-map.ts';

/** `charactersOf` says what a value counts for where the bounds name characters. */
export function createMemoryMemo<T>(
  clock: Pick<Clock, 'monotonic'>,
  { rememberMs, max, maxCharacters = Number.POSITIVE_INFINITY }: MemoBounds,
  charactersOf: (value: T) => number = () => 0,
): MemoStore<T> {
  const known = createExpiringMap<T>(clock, rememberMs, max, { max: maxCharacters, of: charactersOf });
  return {
    get: async (key) => known.get(key),
    put: async (key, value) => known.set(key, value),
  };
}

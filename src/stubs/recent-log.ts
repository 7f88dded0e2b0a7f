// The most recent items, for the control routes of the stubs.

import { LRUCache } from 'lru-cache';

export interface RecentLog<T> {
  add(item: T): void;
  /** Oldest first. */
  all(): T[];
  clear(): void;
}

/**
 * Bounded by `max` items and by the sum of their sizes (`size.max`; each size is at least 1); the oldest are dropped.
 */
export function createRecentLog<T extends object>(
  max: number,
  size?: { readonly max: number; of(item: T): number },
): RecentLog<T> {
  const items = new LRUCache<number, T>({
    max,
    ...(size && { maxSize: size.max, sizeCalculation: size.of }),
  });
  let count = 0;
  return {
    add: (item) => {
      count += 1;
      items.set(count, item);
    },
    all: () => [...items.rvalues()].filter((item) => item !== undefined),
    clear: () => items.clear(),
  };
}

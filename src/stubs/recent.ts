// The last things that came in, for the control routes of the stand-ins.

import { LRUCache } from 'lru-cache';

export interface Recent<T> {
  add(item: T): void;
  /** Oldest first. */
  all(): T[];
  clear(): void;
}

/** Keeps `max` items, and no more than `size.max` by their own sizes (from 1); the oldest are forgotten. */
export function createRecent<T extends object>(
  max: number,
  size?: { readonly max: number; of(item: T): number },
): Recent<T> {
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

// A cache of lru-cache that grows with its entries: with the option `max` it allocates the memory of all of them at once. Used by
// rate limits and look-ups.

import { LRUCache } from 'lru-cache';

/** @param maxEntries the least recently used of more are evicted */
export function createLruCache<Value extends object>(maxEntries: number): LRUCache<string, Value> {
  return new LRUCache({ maxSize: maxEntries, sizeCalculation: () => 1 });
}

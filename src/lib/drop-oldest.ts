// Bounds a Map whose entries are in the order of their last use. Used where only the most recent ones are kept.

/** Removes the first entries until `max` are left. */
export function dropOldest<K>(map: Map<K, unknown>, max: number): void {
  // Not `const [oldest] = map.keys()` before this check: V8 passes over the places of all entries that were deleted.
  if (map.size <= max) return;
  for (const key of map.keys()) {
    map.delete(key);
    if (map.size <= max) return;
  }
}

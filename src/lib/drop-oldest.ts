// Bounds a Map whose entries are in the order of their last use. Used where only the most recent ones are kept.

/** Removes the first entries until `max` are left. */
export function dropOldest<K>(map: Map<K, unknown>, max: number): void {
  // First, because V8 finds the first entry of a Map only after passing over those that were deleted before it.
  if (map.size <= max) return;
  for (const key of map.keys()) {
    map.delete(key);
    if (map.size <= max) return;
  }
}

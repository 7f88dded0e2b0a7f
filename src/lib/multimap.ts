// A map with several values for a key, of which nearly every key has one: a Set for each of them would dominate the memory. Used
// by the memory bus and for the sockets of the sync service.

export interface Multimap<V extends object> {
  get(key: string): Iterable<V>;
  /** Does nothing when the key has this value. */
  add(key: string, value: V): void;
  /** Does nothing when the key does not have this value. */
  delete(key: string, value: V): void;
  clear(): void;
}

/** The values of a key are in the order in which they were added. None is itself a Set. */
export function createMultimap<V extends object>(): Multimap<V> {
  const entries = new Map<string, V | Set<V>>();
  return {
    get: (key) => {
      const known = entries.get(key);
      if (!known) return [];
      return known instanceof Set ? known : [known];
    },
    add: (key, value) => {
      const known = entries.get(key);
      if (known instanceof Set) known.add(value);
      else if (known !== value) entries.set(key, known ? new Set([known, value]) : value);
    },
    delete: (key, value) => {
      const known = entries.get(key);
      if (known instanceof Set) known.delete(value);
      if (known === value || (known instanceof Set && known.size === 0)) entries.delete(key);
    },
    clear: () => entries.clear(),
  };
}

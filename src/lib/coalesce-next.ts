// Coalesces calls that must see everything that happened before them. Used by src/redis and the Redis store.

/**
 * One call at a time for each key: callers that arrive meanwhile share the call that starts after it, so that its
 * result covers everything from before they called.
 */
export function coalesceNext<K, T>(work: (key: K) => Promise<T>): (key: K) => Promise<T> {
  const running = new Map<K, Promise<T>>();
  const next = new Map<K, Promise<T>>();
  const begin = (key: K): Promise<T> => {
    const call = work(key).finally(() => running.delete(key));
    running.set(key, call);
    return call;
  };
  const after = async (key: K, current: Promise<T>): Promise<T> => {
    await current.catch(() => undefined);
    next.delete(key);
    return begin(key);
  };
  return (key) => {
    const waiting = next.get(key);
    if (waiting) return waiting;
    const current = running.get(key);
    if (!current) return begin(key);
    const following = after(key, current);
    next.set(key, following);
    return following;
  };
}

// The windows of one rate limit, bounded in number: new keys never evict an exhausted window. Used by limits.ts.

import { createLruCache } from '../../lib/lru-cache.ts';

interface LimitWindow {
  used: number;
  /** It is not evicted before its end. */
  isPinned: boolean;
  /** By the monotonic clock, in milliseconds. */
  readonly endsAt: number;
}

export interface WindowTable {
  find(key: string, now: number): LimitWindow | undefined;
  /**
   * Counts `events`.
   * @returns 0, or the milliseconds to wait when the limit is exhausted
   */
  consume(
    key: string,
    limit: { readonly count: number; readonly windowMs: number },
    events: number,
    now: number,
  ): number;
  refund(key: string, events: number, now: number): void;
  /** Adds a window from an earlier process; must precede all other calls. */
  restore(key: string, window: LimitWindow): void;
}

/** How often a full table is searched for expired windows. */
const purgeIntervalMs = 1_000;

/**
 * A window of which half the limit is used is pinned until it ends; of the others the least recently used is evicted.
 * When all windows are pinned, which takes an attack from thousands of networks, unknown keys are refused, and keys
 * that are already counted are not affected.
 */
export function createWindowTable(max: number): WindowTable {
  const evictable = createLruCache<LimitWindow>(max);
  const pinned = new Map<string, LimitWindow>();
  let nextPurgeAt = 0;
  let earliestEnd = 0;

  const find = (key: string, now: number): LimitWindow | undefined => {
    const window = evictable.get(key) ?? pinned.get(key);
    return window && window.endsAt > now ? window : undefined;
  };
  const remove = (key: string): void => {
    evictable.delete(key);
    pinned.delete(key);
  };
  const purgeExpired = (now: number): void => {
    if (now < nextPurgeAt) return;
    nextPurgeAt = now + purgeIntervalMs;
    earliestEnd = Number.POSITIVE_INFINITY;
    for (const [key, { endsAt }] of pinned) {
      if (endsAt <= now) pinned.delete(key);
      else earliestEnd = Math.min(earliestEnd, endsAt);
    }
  };
  /** Milliseconds until another key fits; 0: now. */
  const msUntilSpace = (now: number): number => {
    if (pinned.size + evictable.size < max) return 0;
    purgeExpired(now);
    if (pinned.size + evictable.size < max) return 0;
    if (evictable.pop()) return 0;
    return Math.max(1, earliestEnd - now);
  };
  const pin = (key: string, window: LimitWindow): void => {
    evictable.delete(key);
    window.isPinned = true;
    pinned.set(key, window);
  };

  return {
    find,
    consume: (key, { count, windowMs }, events, now) => {
      const window = find(key, now);
      if (window && window.used >= count) return window.endsAt - now;
      if (window) window.used += events;
      else {
        remove(key);
        const wait = msUntilSpace(now);
        if (wait > 0) return wait;
      }
      const current = window ?? { used: events, isPinned: false, endsAt: now + windowMs };
      if (!window) evictable.set(key, current);
      if (!current.isPinned && 2 * current.used >= count) pin(key, current);
      return 0;
    },
    restore: (key, window) => {
      if (pinned.size + evictable.size >= max) return;
      if (window.isPinned) pinned.set(key, window);
      else evictable.set(key, window);
    },
    refund: (key, events, now) => {
      const window = find(key, now);
      if (!window) return;
      window.used -= events;
      // The event that opened the window did not count, so neither does the window.
      if (window.used <= 0) remove(key);
    },
  };
}

// Answers of a system that is asked the same over and over: kept for a while, and asked for once at a time. Used by
// directory.ts and rabbitmq-tenants.ts.

import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/ports.ts';

/** Answers that are kept; the least recently used ones give way. */
const maxKept = 10_000;
/** Questions under way, each with a connection of its own. */
const maxUnderWay = 256;

export interface AnswersOptions<T> {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Milliseconds for which this answer is kept; 0 for not at all. */
  keepMs(answer: T): number;
  /** What a question fails with when too many are under way. */
  tooMany(): Error;
}

/**
 * The answer by its key: a kept one, that of the same question under way, or what `ask` gives. Failures are shared
 * by those who wait, and not kept.
 */
export interface Answers<T> {
  get(key: string, ask: () => Promise<T>): Promise<T>;
  /** What was kept is not true any more. */
  forget(key: string): void;
}

export function createAnswers<T>({ clock, keepMs, tooMany }: AnswersOptions<T>): Answers<T> {
  // The expiry is kept with the value: lru-cache's own would never expire what was set at time 0 of the clock.
  const kept = new LRUCache<string, { readonly answer: T; readonly until: number }>({ max: maxKept });
  const underWay = new Map<string, Promise<T>>();

  const askNow = async (key: string, ask: () => Promise<T>): Promise<T> => {
    try {
      const answer = await ask();
      const ms = keepMs(answer);
      if (ms > 0) kept.set(key, { answer, until: clock.monotonic() + ms });
      return answer;
    } finally {
      underWay.delete(key);
    }
  };

  return {
    get: async (key, ask) => {
      const known = kept.get(key);
      if (known && clock.monotonic() < known.until) return known.answer;
      const shared = underWay.get(key);
      if (shared) return shared;
      if (underWay.size >= maxUnderWay) throw tooMany();
      const asked = askNow(key, ask);
      underWay.set(key, asked);
      return asked;
    },
    forget: (key) => void kept.delete(key),
  };
}

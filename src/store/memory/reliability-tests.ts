// Reliability tests in memory, within their bounds. Used by the memory store, and by the lowdb store, which writes
// every change to disk.

import { isInTime, type ReliabilityTest } from '../../domain/seeds/model.ts';
import type { ReliabilityTestStore, TestCounts } from '../../domain/seeds/ports.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import type { TestBounds } from '../options.ts';

/** A test in the index. */
interface HeldTest {
  /** Replaced when the test changes. */
  test: ReliabilityTest;
  /** By the monotonic clock, so that a wrong wall clock deletes nothing. */
  readonly expiresAt: number;
  /** The file that holds it, for the lowdb store. */
  segment?: number;
}

export interface TestIndex {
  /** Adds or replaces a test of this age, and evicts the oldest ones. @returns the test in the index */
  put(test: ReliabilityTest, ageMs?: number): HeldTest;
  get(id: number): ReliabilityTest | undefined;
  readonly list: ReliabilityTestStore['list'];
  readonly count: ReliabilityTestStore['count'];
  /** Oldest first, including cancelled ones. */
  all(): Iterable<HeldTest>;
}

export function createTestIndex(clock: Pick<Clock, 'monotonic'>, bounds: TestBounds): TestIndex {
  const held = new Map<number, HeldTest>();
  /** Oldest first. */
  const byClient = new Map<string, HeldTest[]>();
  const isKept = ({ expiresAt }: HeldTest): boolean => expiresAt > clock.monotonic();

  const remove = (entry: HeldTest): void => {
    const { id, msisdn } = entry.test;
    held.delete(id);
    const others = (byClient.get(msisdn) ?? []).filter((each) => each !== entry);
    if (others.length > 0) byClient.set(msisdn, others);
    else byClient.delete(msisdn);
  };
  const evict = (msisdn: string): void => {
    const entries = byClient.get(msisdn) ?? [];
    for (const entry of entries.slice(0, Math.max(0, entries.length - bounds.maxPerClient))) remove(entry);
    for (const entry of held.values()) {
      if (held.size <= bounds.max && isKept(entry)) return;
      remove(entry);
    }
  };
  /** In one pass without copies: a page has up to 100 clients with 1,000 tests each. */
  const countOf = (msisdn: string, since: number, decidedBefore: number): TestCounts => {
    const now = clock.monotonic();
    let decided = 0;
    let inTime = 0;
    for (const { test, expiresAt } of byClient.get(msisdn) ?? []) {
      if (test.cancelled || test.startedAt < since || expiresAt <= now) continue;
      if (isInTime(test)) inTime++;
      if (isInTime(test) || test.startedAt < decidedBefore) decided++;
    }
    return { decided, inTime };
  };

  return {
    put: (test, ageMs = 0) => {
      const known = held.get(test.id);
      if (known) {
        // It keeps its place, which is the order of the starts.
        known.test = test;
        return known;
      }
      const entry = { test, expiresAt: clock.monotonic() - ageMs + bounds.ttlMs };
      held.set(test.id, entry);
      const entries = byClient.get(test.msisdn);
      if (entries) entries.push(entry);
      else byClient.set(test.msisdn, [entry]);
      evict(test.msisdn);
      return entry;
    },
    get: (id) => {
      const entry = held.get(id);
      return entry && isKept(entry) ? entry.test : undefined;
    },
    list: async (msisdn) =>
      (byClient.get(msisdn) ?? [])
        .filter((entry) => !entry.test.cancelled && isKept(entry))
        .map(({ test }) => test)
        .reverse(),
    count: async (msisdns, { since, decidedBefore }) =>
      msisdns.map((msisdn) => countOf(msisdn, since, decidedBefore)),
    all: () => held.values(),
  };
}

export function createMemoryTests(clock: Pick<Clock, 'monotonic'>, bounds: TestBounds): ReliabilityTestStore {
  const index = createTestIndex(clock, bounds);
  return {
    add: async (test) => {
      if (index.get(test.id)) return false;
      index.put(test);
      return true;
    },
    get: async (id) => index.get(id),
    replace: async (test, earlier) => {
      if (JSON.stringify(index.get(test.id)) !== JSON.stringify(earlier)) return false;
      index.put(test);
      return true;
    },
    list: index.list,
    count: index.count,
  };
}

// Reliability tests of the lowdb store: in memory, and as lines of segments on disk.

import type { ReliabilityTest } from '../../domain/seeds/model.ts';
import type { ReliabilityTestStore } from '../../domain/seeds/ports.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';
import { createKeyedMutex } from '../../lib/concurrency.ts';
import { isReliabilityTest } from '../guards.ts';
import { createTestIndex, type TestIndex } from '../memory/reliability-tests.ts';
import type { TestBounds } from '../options.ts';
import type { DamageHandler } from './damaged-files.ts';
import type { Disk } from './disk.ts';
import { closeAfterWrites, createGroupCommit } from './group-commit.ts';
import { openSegments } from './segments.ts';

export interface LowdbTests {
  readonly store: ReliabilityTestStore;
  readonly index: Pick<TestIndex, 'all' | 'get'>;
  /** Adds or replaces a test, which is kept for no longer than since its start. */
  restore(test: ReliabilityTest): Promise<void>;
  /** False when the closing line could not be written, so that the next start does not expect it. */
  close(): Promise<boolean>;
}

export interface LowdbTestsOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly damage: DamageHandler;
  readonly cleanShutdown: boolean;
  readonly tests: TestBounds;
  /** Throws when the store is closed. */
  readonly assertOpen: () => void;
}

export async function openLowdbTests(options: LowdbTestsOptions): Promise<LowdbTests> {
  const { clock, log, tests: bounds, assertOpen } = options;
  const index = createTestIndex(clock, bounds);
  const segments = await openSegments<ReliabilityTest>({
    ...options,
    name: 'tests',
    isValue: isReliabilityTest,
    // Limits the files to about twice the tests that are kept.
    maxLines: Math.ceil(bounds.max / 2),
    maxAgeMs: bounds.ttlMs / 2,
    retention: bounds,
    onLine: ({ value }, ageMs, { segment }) => {
      index.put(value, ageMs).segment = segment;
    },
    inUse: () => new Set([...index.all()].flatMap(({ segment }) => segment ?? [])),
  });
  const writer = createGroupCommit(segments);

  /** Changes of a test, one after the other. */
  const changes = createKeyedMutex();

  /** A test is visible once it is on disk. False when it may not replace the one that is known. */
  const put = (test: ReliabilityTest, canReplace: (known: ReliabilityTest | undefined) => boolean) =>
    changes.run(String(test.id), async () => {
      assertOpen();
      if (!canReplace(index.get(test.id))) return false;
      const ageMs = Math.max(0, clock.now() - test.startedAt);
      const line = { key: String(test.id), at: clock.now() - ageMs, value: test };
      await writer.add(JSON.stringify(line), (segment) => {
        index.put(test, ageMs).segment = segment;
      });
      return true;
    });

  return {
    store: {
      add: (test) => put(test, (known) => !known),
      get: async (id) => index.get(id),
      replace: (test, earlier) => put(test, (known) => JSON.stringify(known) === JSON.stringify(earlier)),
      list: index.list,
      count: index.count,
    },
    index,
    restore: async (test) => void (await put(test, () => true)),
    close: () => closeAfterWrites(writer, segments, log),
  };
}

// Waits until a stub has received what is expected. Used by `swob verify` and by swob/testing.

import type { Clock } from '../domain/shared/ports.ts';
import { delay } from '../lib/delay.ts';
import { type Expectation, type Verdict, verify } from '../stubs/expectation.ts';
import type { JournalEntry } from '../stubs/journal.ts';

/** Between two reads of the journal. */
const pauseMs = 50;

interface WaitOptions {
  readonly clock: Clock;
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/** The verdict as soon as it is final, at the latest after `withinMs`; rejects with the reason of the signal. */
export async function waitForVerdict(
  readJournal: () => readonly JournalEntry[] | Promise<readonly JournalEntry[]>,
  expectation: Expectation,
  { clock, withinMs, signal }: WaitOptions,
): Promise<Verdict> {
  const { min, max } = expectation.times;
  const end = clock.monotonic() + withinMs;
  for (;;) {
    const verdict = verify(expectation, await readJournal());
    const { length } = verdict.matched;
    // Where no request is enough, more may still come that are too many.
    const isFinal = length > (max ?? Number.POSITIVE_INFINITY) || (min > 0 && length >= min);
    if (isFinal || clock.monotonic() >= end) return verdict;
    await delay(clock, Math.min(pauseMs, end - clock.monotonic()), signal);
  }
}

// One attempt to deliver an entry, recorded before its request is sent and after it has ended. Used by outbox.ts.

import { messageOf, SwobError } from '../../errors.ts';
import type { EntryAges } from './entry-age.ts';
import type { HistoryEvent, OutboxEntry } from './model.ts';
import type {
  AttemptOutcome,
  FailedAttempt,
  ImmediateDelivery,
  OutboxOptions,
  Postponed,
} from './outbox-types.ts';
import { StoreFullError } from './store-full-error.ts';

const minBackoffMs = 1_000;
const unreadablePauseMs = 60_000;
const maxHistory = 20;
/** Dead letters that are read to find one to evict. */
const evictionCandidates = 10;

/** Milliseconds before the next attempt after `attempts` failed ones: exponential backoff with half of it as jitter. */
export function backoffMs(attempts: number, longestMs: number, random: () => number): number {
  const pause = Math.min(longestMs, minBackoffMs * 2 ** Math.min(attempts - 1, 20));
  return Math.round(pause / 2 + (random() * pause) / 2);
}

/** The history with one more event; of a long one the first two events and the latest are kept. */
export function appendHistory(
  history: readonly HistoryEvent[],
  at: number,
  event: string,
): readonly HistoryEvent[] {
  // Not by a spread, after which V8 reserves room for 15 more elements in each of 100,000 receipts.
  const all = history.concat({ at, event });
  return all.length <= maxHistory ? all : [...all.slice(0, 2), ...all.slice(2 - maxHistory)];
}

export interface Attempts<T> {
  /** Makes an attempt for a claimed entry. Throws when the store fails. */
  attempt(id: string): Promise<void>;
  /** `onStoreFailure` runs when the outcome could not be stored. */
  deliverNow(entry: OutboxEntry<T>, onStoreFailure: (error: unknown) => Promise<void>): ImmediateDelivery;
  /** The entry after a failed attempt; undefined when it is dead-lettered and dead letters are not kept. */
  afterFailure(entry: OutboxEntry<T>, failure: FailedAttempt<T>): OutboxEntry<T> | undefined;
  /** Adds a new entry, and evicts another one when the store is full. Throws UNAVAILABLE. */
  putNew(entry: OutboxEntry<T>): Promise<void>;
  /** The same for what `afterFailure` made of an entry that is not stored yet. */
  putFailed(id: string, next: OutboxEntry<T> | undefined): Promise<void>;
  /** Removes a dead letter, unless it has been retried since it was read. */
  removeDeadLetter(entry: OutboxEntry<T>, why: string): Promise<void>;
}

export function createAttempts<T>(options: OutboxOptions<T>, ages: EntryAges): Attempts<T> {
  const { name, store, clock, log, random, maxAgeMs, maxBackoffMs, deliver, deadLetterTtlMs, evict } =
    options;

  const afterFailure: Attempts<T>['afterFailure'] = (entry, failure) => {
    const now = clock.now();
    const { reason, counts } = failure;
    const attempts = entry.attempts + 1;
    const { id } = entry;
    const maxAge = typeof maxAgeMs === 'number' ? maxAgeMs : maxAgeMs(entry.content);
    const tooOld = ages.of(entry) >= maxAge;
    const deadLettered = failure.kind === 'dead-letter' || tooOld;
    if (deadLettered) {
      log.error({ id, attempts, reason }, `a ${name} was dead-lettered`);
      if (deadLetterTtlMs === 0) return undefined;
    } else log.warn({ id, attempts, reason }, `a ${name} is tried again later`);
    const result = counts === 'unknownOutcomes' ? `: outcome unknown: ${reason}` : ` failed: ${reason}`;
    const history = appendHistory(entry.history, now, `attempt ${attempts}${result}`);
    const next = {
      ...withoutStart(entry),
      content: failure.content ?? entry.content,
      attempts,
      ...(counts && { [counts]: (entry[counts] ?? 0) + 1 }),
    };
    if (deadLettered) {
      const why = tooOld && failure.kind === 'retry' ? 'dead-lettered: too old' : 'dead-lettered';
      // When it is retried, it is the last of its order key.
      const { sequence: _, ...rest } = next;
      return ages.restart({ ...rest, dueAt: null, history: appendHistory(history, now, why) });
    }
    const dueAt = now + (failure.pauseMs ?? backoffMs(attempts, maxBackoffMs, random));
    return { ...ages.stamp(next), dueAt, history };
  };

  const removeDeadLetter: Attempts<T>['removeDeadLetter'] = async ({ id, since }, why) => {
    if (!(await store.removeDeadLetter(id, since))) return;
    ages.forget(id);
    log.error({ id }, `a dead-lettered ${name} was removed: ${why}`);
  };

  /**
   * Runs `write`; when the store is full, evicts an entry and runs it again. A waiting entry matters more than a dead
   * letter.
   */
  const withEviction = async <R>({ content }: OutboxEntry<T>, write: () => Promise<R>): Promise<R> => {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      if (!(await evict?.())) {
        const mayEvict = options.mayEvictDeadLetters?.(content) ?? true;
        const [oldest] = mayEvict ? await store.deadLetters(evictionCandidates) : [];
        if (!oldest) throw error;
        await removeDeadLetter(oldest, 'evicted for a new one');
      }
      return write();
    }
  };

  const recordStart = async (entry: OutboxEntry<T>): Promise<void> => {
    const started = { ...entry, attemptStartedAt: clock.now() };
    const claim = await withEviction(entry, () => store.putClaimed(started));
    if (claim === 'behind') throw new EarlierEntryError();
    if (claim === 'taken') throw new SwobError('CONFLICT', `another process has taken over a ${name}`);
  };

  /** The outcome of an attempt that a killed process left unfinished; undefined when there is none. */
  const interruptedOutcome = async (entry: OutboxEntry<T>): Promise<AttemptOutcome<T> | undefined> =>
    entry.attemptStartedAt === undefined ? undefined : options.onInterrupted?.(entry);

  const outcomeOf = (entry: OutboxEntry<T>): Promise<AttemptOutcome<T> | Postponed> =>
    deliver(entry, () => recordStart(entry)).catch((error: unknown) => ({
      kind: 'retry',
      reason: messageOf(error),
    }));

  const settle = async (id: string, next: OutboxEntry<T> | undefined): Promise<boolean> => {
    if (!next) ages.forget(id);
    const isSettled = await store.settle(id, next);
    if (!isSettled) log.warn({ id }, `another process has taken over a ${name}`);
    return isSettled;
  };

  /** After a failed attempt: without `next` its dead letter is not kept. */
  const reportIfDeadLettered = (next: OutboxEntry<T> | undefined): void => {
    if (!next || next.dueAt === null) options.onDeadLettered?.();
  };

  const settleFailed = async (id: string, next: OutboxEntry<T> | undefined): Promise<void> => {
    if (await settle(id, next)) reportIfDeadLettered(next);
  };

  const putFailed: Attempts<T>['putFailed'] = async (id, next) => {
    if (next) await withEviction(next, () => store.put(next));
    else ages.forget(id);
    reportIfDeadLettered(next);
  };

  const attempt: Attempts<T>['attempt'] = async (id) => {
    let found: OutboxEntry<T> | undefined;
    try {
      found = await store.get(id);
    } catch (error) {
      // A record that cannot be read must not block the others. When it is the store that fails, this fails, too.
      await store.postpone(id, clock.now() + Math.min(unreadablePauseMs, maxBackoffMs));
      return log.error({ id, reason: messageOf(error) }, `a ${name} cannot be read; it is tried again later`);
    }
    if (found && options.onlyDurable) await store.getDurable(id);
    const interrupted = found && (await interruptedOutcome(found));
    if (!found || interrupted?.kind === 'delivered') return void (await settle(id, undefined));
    const entry = interrupted ? afterFailure(found, interrupted) : found;
    if (!entry || entry.dueAt === null) return settleFailed(id, entry);
    const outcome = await outcomeOf(entry);
    if (outcome.kind === 'postponed') {
      const until = clock.now() + outcome.pauseMs;
      // What became of the interrupted attempt is stored, so that it neither seems to run nor counts again.
      return interrupted ? void (await settle(id, { ...entry, dueAt: until })) : store.postpone(id, until);
    }
    if (outcome.kind === 'delivered') await settle(id, undefined);
    else await settleFailed(id, afterFailure(entry, outcome));
  };

  const deliverNow: Attempts<T>['deliverNow'] = (entry, onStoreFailure) => {
    const { id } = entry;
    let isStored = false;
    let recording: Promise<void> | undefined;
    let onStored = (): void => {};
    const persisted = new Promise<void>((resolve) => {
      onStored = resolve;
    });
    const run = async (): Promise<boolean> => {
      const beforeSend = (): Promise<void> => {
        recording = recordStart(entry).then(() => {
          isStored = true;
          onStored();
        });
        return recording;
      };
      const outcome = await deliver(entry, beforeSend).catch(
        async (error: unknown): Promise<AttemptOutcome<T> | Postponed> => {
          if (error instanceof EarlierEntryError) return { kind: 'postponed', pauseMs: 0 };
          if (!isStored || !options.onInterrupted) throw error;
          return options.onInterrupted(entry);
        },
      );
      // The entry may be written although the attempt has failed meanwhile.
      if (!isStored) await recording?.catch(() => {});
      if (outcome.kind === 'postponed') {
        await withEviction(entry, () => store.put(entry));
        return false;
      }
      const isDelivered = outcome.kind === 'delivered';
      const next = isDelivered ? undefined : afterFailure(entry, outcome);
      if (isStored) {
        await (isDelivered ? settle(id, undefined) : settleFailed(id, next)).catch(async (error: unknown) => {
          await onStoreFailure(error);
          // A delivered message has a receipt, which says so.
          if (next) throw error;
        });
      } else if (isDelivered) ages.forget(id);
      else await putFailed(id, next);
      return isDelivered;
    };
    return { persisted, delivered: run() };
  };

  return {
    attempt,
    deliverNow,
    afterFailure,
    putNew: (entry) => withEviction(entry, () => store.put(entry)),
    putFailed,
    removeDeadLetter,
  };
}

/** Other entries of the order key have to be delivered first. */
class EarlierEntryError extends Error {
  override readonly name = 'EarlierEntryError';
}

function withoutStart<T>({ attemptStartedAt: _, ...entry }: OutboxEntry<T>): OutboxEntry<T> {
  return entry;
}

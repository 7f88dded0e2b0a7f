// Delivers entries with retries and growing pauses, until they are delivered, rejected or too old. This file schedules
// the attempts; outbox-attempts.ts makes them. Used by publishing and for callbacks.

import { messageOf } from '../../errors.ts';
import { createKeyedMutex } from '../../lib/concurrency.ts';
import { createEntryAges } from './entry-age.ts';
import type { HistoryEvent, OutboxEntry } from './model.ts';
import { appendHistory, createAttempts } from './outbox-attempts.ts';
import { createRetention, retentionSweepMs } from './outbox-retention.ts';
import type { ImmediateDelivery, Outbox, OutboxOptions } from './outbox-types.ts';

/** Pause after the store has failed. */
const storeOutageMs = 5_000;
/** Errors about a store that can be read between its failures, such as one on a full disk, are logged no more often. */
const logEveryMs = 60_000;
/** Longer waits are rechecked, because the wall clock may be set while a timer runs. */
const maxTimerMs = 60_000;

export function createOutbox<T>(options: OutboxOptions<T>): Outbox<T> {
  const { name, store, clock, log, concurrency, maxBackoffMs, deadLetterTtlMs, pollIntervalMs } = options;
  /** No pause is longer: an entry that is due later than this waits only because the clock was set back. */
  const maxPauseMs = Math.max(maxBackoffMs, options.maxRequestedPauseMs ?? 0);
  const ages = createEntryAges(clock, retentionSweepMs(deadLetterTtlMs));
  const attempts = createAttempts(options, ages);
  const running = new Map<string, Promise<void>>();
  /** Entries whose attempts were running when they were claimed once more. */
  const claimedAgain = new Set<string>();
  const immediate = new Map<string, ImmediateDelivery>();
  let stopped = true;
  let cancelTimer = (): void => {};
  let polling: Promise<void> | undefined;
  let pollAgain = false;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let storeIsDown = false;
  let loggedAt = Number.NEGATIVE_INFINITY;

  const startAttempt = (id: string): void => {
    // Made due again meanwhile, by a retry or by another process: the attempt that runs has this claim, too, unless it ended before.
    if (running.has(id)) return void claimedAgain.add(id);
    const work = attempts
      .attempt(id)
      .catch((error: unknown) => {
        storeFailed(error);
        return unclaim(id, clock.now() + Math.min(storeOutageMs, maxBackoffMs));
      })
      .then(async () => {
        // Without effect if the attempt has ended this claim; otherwise nothing else would.
        while (claimedAgain.delete(id)) await unclaim(id, clock.now());
        running.delete(id);
        poll();
      });
    running.set(id, work);
  };

  /**
   * Pauses the outbox: the outcome of an attempt could not be recorded, so the attempt would be repeated over and over.
   */
  const storeFailed = (error: unknown): void => {
    const message = `the store cannot be used now; no ${name} is attempted`;
    const now = clock.monotonic();
    // One error for each outage, as the store is tried again every few seconds.
    if (storeIsDown || now - loggedAt < logEveryMs) log.debug({ reason: messageOf(error) }, message);
    else {
      loggedAt = now;
      log.error({ reason: messageOf(error) }, message);
    }
    storeIsDown = true;
    pausedUntil = now + storeOutageMs;
  };

  const schedulePoll = (ms: number): void => {
    cancelTimer();
    cancelTimer = stopped ? () => {} : clock.after(ms, poll);
  };

  /** Releases the claim. If that fails too, the claim expires. */
  const unclaim = (id: string, until: number): Promise<void> =>
    store.postpone(id, until).catch((error: unknown) => {
      log.debug({ id, reason: messageOf(error) }, `a claimed ${name} could not be released`);
    });

  const startDueAttempts = async (): Promise<void> => {
    const pauseMs = pausedUntil - clock.monotonic();
    if (pauseMs > 0) return schedulePoll(pauseMs);
    const earliest = await store.nextDueAt();
    storeIsDown = false;
    if (stopped || (earliest === undefined && pollIntervalMs === undefined)) return cancelTimer();
    const now = clock.now();
    // Due later than any pause allows: the clock was set back, and the entries would wait until it catches up.
    const until = earliest !== undefined && earliest - now > maxPauseMs ? earliest : now;
    const free = concurrency - running.size;
    const ids = free > 0 ? await store.claim(until, free) : [];
    if (stopped) return void (await Promise.all(ids.map((id) => unclaim(id, now))));
    for (const id of ids) startAttempt(id);
    // A finished attempt polls by itself; entries that are due and cannot start now are polled for in a second.
    const soon = running.size > 0 || (earliest !== undefined && earliest <= now);
    const wait = soon ? 1_000 : Math.min(maxTimerMs, (earliest ?? Number.POSITIVE_INFINITY) - now);
    schedulePoll(Math.min(wait, pollIntervalMs ?? wait));
  };

  /** Polls one at a time; a poll that is requested while one runs follows it. */
  const poll = (): void => {
    if (stopped) return;
    if (polling) {
      pollAgain = true;
      return;
    }
    polling = startDueAttempts()
      .catch((error: unknown) => {
        storeFailed(error);
        pollAgain = true;
      })
      .then(() => {
        polling = undefined;
        if (!pollAgain) return;
        pollAgain = false;
        poll();
      });
  };

  const changes = createKeyedMutex();
  const retention = createRetention({
    store,
    clock,
    ages,
    ttlMs: deadLetterTtlMs,
    changes,
    removeDeadLetter: attempts.removeDeadLetter,
    onStoreFailure: storeFailed,
  });

  const createEntry = (id: string, content: T, history: readonly HistoryEvent[]): OutboxEntry<T> => {
    const now = clock.now();
    const orderKey = options.orderKeyOf?.(content);
    const order = orderKey !== undefined && { orderKey };
    return ages.stamp({ id, content, ...order, since: now, dueAt: now, attempts: 0, history });
  };

  const deliverNow: Outbox<T>['deliverNow'] = (id, content, history) => {
    const entry = createEntry(id, content, history);
    const attempt = attempts.deliverNow(entry, (error) => {
      storeFailed(error);
      return unclaim(id, clock.now() + storeOutageMs);
    });
    immediate.set(id, attempt);
    attempt.delivered.then(
      (delivered) => {
        immediate.delete(id);
        // Others may have arrived behind it.
        if (!delivered || entry.orderKey !== undefined) poll();
      },
      () => immediate.delete(id),
    );
    return attempt;
  };

  const retryAlone: Outbox<T>['retry'] = async (id, by) => {
    const entry = await store.get(id);
    if (!entry) return 'unknown';
    if (running.has(id) || immediate.has(id) || entry.attemptStartedAt !== undefined) return 'busy';
    const now = clock.now();
    const why = by === 'operator' ? 'retry requested by an operator' : 'retry: received again';
    const { failures: _, unknownOutcomes = 0, orderKey: __, ...rest } = entry;
    const orderKey = options.orderKeyOf?.(entry.content);
    const restarted = ages.restart({
      ...rest,
      ...(orderKey !== undefined && { orderKey }),
      since: now,
      dueAt: now,
      attempts: 0,
      history: appendHistory(entry.history, now, why),
      // A message that may have been delivered is repeated less often: only an operator resets this count.
      ...(by === 'sender' && { unknownOutcomes }),
    });
    if (entry.dueAt !== null) await store.put(restarted);
    // Another process may have retried it meanwhile, and delivered it.
    else if (!(await store.replaceDeadLetter(restarted, entry.since))) return 'busy';
    poll();
    return 'retried';
  };

  return {
    add: async (id, content, history = [], delayMs = 0) => {
      const entry = createEntry(id, content, history);
      await attempts.putNew({ ...entry, dueAt: clock.now() + delayMs });
      poll();
    },
    addFailed: async (id, content, failed, history) => {
      const next = attempts.afterFailure(createEntry(id, content, history), failed);
      await attempts.putFailed(id, next);
      poll();
    },
    deliverNow,
    retry: (id, by) => changes.run(id, () => retryAlone(id, by)),
    drop: (id) => changes.run(id, () => store.removeDeadLetter(id)),
    start: () => {
      stopped = false;
      retention.start();
      poll();
    },
    stop: () => {
      stopped = true;
      cancelTimer();
      retention.stop();
    },
    idle: async () => {
      await polling;
      await Promise.allSettled([
        ...running.values(),
        ...[...immediate.values()].map((each) => each.delivered),
      ]);
    },
  };
}

// The interface and the options of an outbox. Used by the files of the outbox, and where one is created.

import type { HistoryEvent, OutboxEntry } from './model.ts';
import type { Clock, Log, OutboxStore } from './ports.ts';

/** The outcome of an attempt that did not deliver. The reason is for operators and contains no secret. */
export interface FailedAttempt<T> {
  /** `retry`: tried again until the entry is too old; `dead-letter`: another attempt cannot succeed. */
  readonly kind: 'retry' | 'dead-letter';
  readonly reason: string;
  /** Replaces the content, when the attempt has learnt something. */
  readonly content?: T;
  /** A counter of the entry to increment besides `attempts`. */
  readonly counts?: 'failures' | 'unknownOutcomes' | undefined;
  /** Milliseconds before the next attempt; the usual backoff if undefined. */
  readonly pauseMs?: number | undefined;
}

export type AttemptOutcome<T> = { readonly kind: 'delivered' } | FailedAttempt<T>;

/** No attempt was made; the entry is due again after `pauseMs`, unchanged. */
export interface Postponed {
  readonly kind: 'postponed';
  readonly pauseMs: number;
}

export interface Outbox<T> {
  /** Stores a new entry that is due immediately, or after a delay; durable when this resolves. Throws UNAVAILABLE. */
  add(id: string, content: T, history?: readonly HistoryEvent[], delayMs?: number): Promise<void>;
  /** Stores what a first attempt could not deliver, for a retry or as a dead letter. Throws UNAVAILABLE. */
  addFailed(
    id: string,
    content: T,
    failed: FailedAttempt<T>,
    history: readonly HistoryEvent[],
  ): Promise<void>;
  /**
   * Attempts a new entry immediately. It is stored only when its request is about to be sent, or when the attempt
   * fails. An entry that must follow others of its order key is stored without an attempt.
   */
  deliverNow(id: string, content: T, history: readonly HistoryEvent[]): ImmediateDelivery;
  /**
   * Makes a dead letter or a waiting entry due immediately and resets its age. `busy`: an attempt is running.
   * @param by whether an operator requested it, or the sender by sending the message again
   */
  retry(id: string, by: 'operator' | 'sender'): Promise<'retried' | 'unknown' | 'busy'>;
  /** Removes a dead letter; false when there is none. */
  drop(id: string): Promise<boolean>;
  /** Starts with the entries that earlier processes have left. */
  start(): void;
  /** Starts no more attempts; running ones continue. */
  stop(): void;
  /** Resolves when no attempt is running. */
  idle(): Promise<void>;
}

export interface ImmediateDelivery {
  /** Resolves when the entry is stored, whatever the outcome of the attempt; never if it is not stored. */
  readonly persisted: Promise<void>;
  /**
   * Whether it was delivered; otherwise it is stored. Throws UNAVAILABLE when it can be neither delivered nor stored.
   */
  readonly delivered: Promise<boolean>;
}

export interface OutboxOptions<T> {
  /** The noun of log lines, such as `message`. */
  readonly name: string;
  readonly store: OutboxStore<T>;
  readonly clock: Clock;
  readonly log: Log;
  /** A random number from 0 to 1, for the jitter. */
  readonly random: () => number;
  /** The order key of new entries with this content; none by default. */
  readonly orderKeyOf?: (content: T) => string | undefined;
  /** Concurrent attempts of stored entries. */
  readonly concurrency: number;
  /** The longest pause between two attempts, in milliseconds, unless an outcome requests another one. */
  readonly maxBackoffMs: number;
  /** The longest pause that an outcome requests, in milliseconds. */
  readonly maxRequestedPauseMs?: number;
  /** Older entries are dead-lettered, in milliseconds; may depend on the content. */
  readonly maxAgeMs: number | ((content: T) => number);
  /**
   * Delivers an entry. An exception counts as `retry`. It awaits `beforeSend` before it sends anything, which records
   * the attempt: if the process dies afterwards, `onInterrupted` decides. When `beforeSend` throws, it sends nothing
   * and throws the error on.
   */
  readonly deliver: (
    entry: OutboxEntry<T>,
    beforeSend: () => Promise<void>,
  ) => Promise<AttemptOutcome<T> | Postponed>;
  /**
   * Attempts an entry only once it is durable, because one whose writer was told that it is not is written again; no by default.
   */
  readonly onlyDurable?: boolean;
  /** The outcome of an attempt that a process started and did not end. */
  readonly onInterrupted?: (entry: OutboxEntry<T>) => Promise<AttemptOutcome<T>>;
  /** Evicts a waiting entry in favour of a new one; false when there is none to evict. */
  readonly evict?: () => Promise<boolean>;
  /** Whether dead letters are evicted in favour of this entry; true by default. */
  readonly mayEvictDeadLetters?: (content: T) => boolean;
  /** Milliseconds between two polls for entries of other processes that share the store; undefined where none do. */
  readonly pollIntervalMs?: number | undefined;
  /** How long dead letters are kept for operators, in milliseconds; 0: not at all. */
  readonly deadLetterTtlMs: number;
  /** Called for each entry that was dead-lettered, also where dead letters are not kept. */
  readonly onDeadLettered?: (() => void) | undefined;
}

// Records that several capabilities share: rate limits, histories and the entries of an outbox.

/** At most `count` events in a window of `windowMs` milliseconds, which the first event opens; `off`: no limit. */
export type RateLimit = { readonly count: number; readonly windowMs: number } | 'off';

/**
 * An event in the history of an entry, at a Unix time in milliseconds. Never contains the text of a message or a key.
 */
export interface HistoryEvent {
  readonly at: number;
  readonly event: string;
}

/** A message or callback that is stored until it is delivered. */
export interface OutboxEntry<T> {
  /** Letters, digits and `-`. */
  readonly id: string;
  readonly content: T;
  /**
   * Of the waiting entries with the same key only the first to arrive is due; the others follow it one by one. Without
   * NUL; undefined for an entry that waits for no other.
   */
  readonly orderKey?: string;
  /** Position among the waiting entries of its key. The store assigns it: a new entry follows the others. */
  readonly sequence?: number;
  /** Start of its age, Unix time in milliseconds: its arrival, or the latest request to retry it. */
  readonly since: number;
  /** Time of the next attempt, Unix time in milliseconds; null for a dead letter. */
  readonly dueAt: number | null;
  /** Attempts since `since`. */
  readonly attempts: number;
  /** Oldest first, bounded. */
  readonly history: readonly HistoryEvent[];
  /** Start of a running attempt, recorded before its request is sent; Unix time in milliseconds. */
  readonly attemptStartedAt?: number;
  /** Attempts to which the upstream system responded with a failure. */
  readonly failures?: number;
  /** Attempts that may have delivered it. */
  readonly unknownOutcomes?: number;
  /** Its age in milliseconds at `ageRecordedAt`; that of a dead letter counts from when it became one. */
  readonly ageMs?: number;
  /** Unix time in milliseconds. */
  readonly ageRecordedAt?: number;
}

/** The sign-out of a session of the console, whose cookie is refused from then on. */
export interface SignOut {
  /** Unix time in milliseconds. */
  readonly at: number;
}

/** A step in the history of an entry, for operators. */
export interface TimelineStep {
  readonly tone: 'good' | 'warn' | 'bad' | 'neutral';
  readonly event: string;
  /** Unix time in milliseconds; in the future of what the entry waits for. */
  readonly at?: number;
  /** Further facts, a line each. */
  readonly details: readonly string[];
}

// Ports that several capabilities share; the suites in test/contract hold every adapter to the same behaviour.

import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { CountedKey, LimitExceeded, LimitKey } from './limit-keys.ts';
import type { OutboxEntry, RateLimit } from './model.ts';
import type { NormalisedNumber } from './phone-number.ts';

/** Time, injected so that no test sleeps and expiry is exact. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; may go back when somebody sets the clock. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs `fn` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, fn: () => void): () => void;
  /** Runs `fn` every `ms` milliseconds; the returned function stops it. Never keeps the process alive. */
  every(ms: number, fn: () => void): () => void;
}

/** Structured log lines: fields first, then the message. Never a token, password or key. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The context of a request that a client has sent. */
export interface RequestContext {
  /** The address of the client, in the form of `limitAddress`. */
  readonly address: string;
  /** Adds the id of the request to every line. */
  readonly log: Log;
  /** Whether the client has closed its connection. */
  isAborted(): boolean;
}

/** The same with the id of the request, for what is recorded about it. */
export interface IdentifiedContext extends RequestContext {
  /** The client's own id, or a new one. */
  readonly requestId: string;
}

export interface LimitStore {
  /**
   * Counts one event against `limit`, or several that are allowed as long as one of them is. 0 when allowed, otherwise
   * the seconds to wait; synchronous where the limits are in memory.
   */
  consume(key: LimitKey, limit: RateLimit, events?: number): MaybePromise<number>;
  /**
   * Counts the events for all of these keys in one call, or for none when one is exceeded; undefined where a call for each
   * key is as cheap.
   */
  consumeAll?(counts: readonly CountedKey[], events: number): Promise<LimitExceeded | undefined>;
  /** The seconds to wait, without counting an event. */
  peek(key: LimitKey, limit: RateLimit): Promise<number>;
  /**
   * The same from the memory of this process alone, so that requests of a flood are refused cheaply, before they are
   * read; 0 also when it does not know.
   */
  peekLocal(key: LimitKey, limit: RateLimit): number;
  /** Uncounts an event, or several. */
  refund(key: LimitKey, limit: RateLimit, events?: number): Promise<void>;
  /** The same for all of these keys in one call, where `consumeAll` is there. */
  refundAll?(counts: readonly CountedKey[]): Promise<void>;
  /** Makes the count of this key survive a crash, if the store is durable. Never rejects. */
  persist(key: LimitKey): Promise<void>;
}

/** Values by key with a fixed time to live, bounded in number: the oldest are evicted. */
export interface TtlStore<T> {
  /** Synchronously where it is known without a disk that there is none. */
  get(key: string): MaybePromise<T | undefined>;
  /**
   * Durable when this resolves. Throws UNAVAILABLE when it cannot be written; the value is then kept in memory, and written
   * as soon as it can be before the process ends, because the event that it records has happened.
   */
  put(key: string, value: T): Promise<void>;
  /** Puts the value if the current one is `earlier` (undefined: none); false when another process was faster. */
  replace(key: string, value: T, earlier: T | undefined): Promise<boolean>;
}

/**
 * - `claimed`: by this process
 * - `taken`: it waits already, or another process has claimed it
 * - `behind`: an earlier entry of its order key waits
 */
export type Claim = 'claimed' | 'taken' | 'behind';

/**
 * Entries that wait for their next attempt, and dead letters. Waiting entries with one order key are claimed one at a
 * time, in the order in which they were first put; one that was a dead letter is the last again. An entry behind others
 * is due at its `since`, or its `dueAt` if that is earlier, as soon as it is the first.
 */
export interface OutboxStore<T> {
  get(id: string): Promise<OutboxEntry<T> | undefined>;
  /**
   * The same, but durable when it resolves: required to acknowledge a repeated request. Throws as `put` does. Synchronously
   * where it is known without a disk that there is none.
   */
  getDurable(id: string): MaybePromise<OutboxEntry<T> | undefined>;
  /** Adds or replaces an entry; durable when this resolves. Throws UNAVAILABLE, and StoreFullError for a new entry. */
  put(entry: OutboxEntry<T>): Promise<void>;
  /** Removes an entry, if it exists. */
  remove(id: string): Promise<void>;
  /**
   * Removes an entry only while it is a dead letter: a concurrent retry may have revived it.
   * @param since of the dead letter that was read, as it may have been retried and dead-lettered again
   */
  removeDeadLetter(id: string, since?: number): Promise<boolean>;
  /** Replaces an entry only while it is the dead letter with this `since`. Throws as `put` does. */
  replaceDeadLetter(entry: OutboxEntry<T>, since: number): Promise<boolean>;
  /**
   * Claims entries that are due at `now` (Unix milliseconds), the earliest first, `limit` at most. They belong to this
   * process until it settles, puts or removes them; when it dies, another process can claim them. @returns their ids
   */
  claim(now: number, limit: number): Promise<string[]>;
  /**
   * Adds a new entry as claimed by this process, or replaces one that it has claimed: records an attempt before it is
   * made. Written when this resolves, but possibly less durable than by `put`. Changes nothing unless it is `claimed`.
   * Throws as `put` does.
   */
  putClaimed(entry: OutboxEntry<T>): Promise<Claim>;
  /**
   * Ends the claim: replaces the entry by `next`, or removes it. False, without a change, when another process has
   * claimed it meanwhile. Throws as `put` does.
   */
  settle(id: string, next: OutboxEntry<T> | undefined): Promise<boolean>;
  /**
   * Ends the claim and makes the entry due at `until`, unchanged; the entry need not be readable. Without effect when this process
   * has not claimed it.
   */
  postpone(id: string, until: number): Promise<void>;
  /** When the first entry that can be claimed is due, Unix time in milliseconds; undefined when there is none. */
  nextDueAt(): Promise<number | undefined>;
  /**
   * Dead letters, the oldest `since` first, `limit` at most after the first `offset`; skips those that cannot be read.
   */
  deadLetters(limit: number, offset?: number): Promise<OutboxEntry<T>[]>;
  /**
   * Waiting entries in the same way: first the claimed ones in any order, then the others as they are due, then those
   * behind others of their order key.
   */
  waiting(limit: number, offset?: number): Promise<OutboxEntry<T>[]>;
  /** The number of waiting entries that are behind others of their order key, the last ones of `waiting`. */
  countBehind(): Promise<number>;
  /** Waiting entries of an order key, claimed or not, in their order, `limit` at most. */
  waitingOf(orderKey: string, limit: number): Promise<OutboxEntry<T>[]>;
  /** The number of waiting entries of an order key, claimed or not. */
  countOf(orderKey: string): Promise<number>;
  /** The same of all order keys that begin with this word and a space. */
  countOfGroup(word: string): Promise<number>;
  count(): Promise<{ readonly waiting: number; readonly deadLetters: number }>;
}

export interface LeaseGrant {
  readonly leaseId: string;
  readonly acquired: boolean;
}

/**
 * Leases on work, visible to every process that shares the store: at most one process at a time runs the work of a key.
 */
export interface LeaseStore {
  /**
   * Acquires the lease on this key for `leaseMs` milliseconds, or returns the id of the lease that another run holds.
   */
  acquire(key: string, leaseMs: number): Promise<LeaseGrant>;
  /**
   * Counts one event for all of these keys and then acquires the lease, in one call; neither when a limit is exceeded. Undefined where
   * two calls are as cheap.
   */
  acquireCounted?(
    key: string,
    leaseMs: number,
    counts: readonly CountedKey[],
  ): Promise<LeaseGrant | LimitExceeded>;
  /**
   * Extends the lease to `leaseMs` from now, also after it has expired unless another process has acquired it since.
   */
  renew(key: string, leaseId: string, leaseMs: number): Promise<void>;
  /**
   * Releases the lease and keeps the outcome for some seconds, for the processes that poll for it. False when the lease
   * had expired before: another process may have done the same work.
   */
  complete(key: string, leaseId: string, outcome: string): Promise<boolean>;
  /** The outcome of the work, or `running`; `lost` when it was interrupted, or its outcome has expired. */
  poll(key: string, leaseId: string): Promise<{ readonly outcome: string } | 'running' | 'lost'>;
}

/** What a store offers when several processes share it. */
export interface SharedStore {
  readonly leases: LeaseStore;
  /** The value that the first process gave under this name: all processes get the same one. */
  agreeOn(name: string, value: string): Promise<string>;
}

interface NumberNetworks {
  readonly callingCode: string | null;
  readonly codes: readonly string[];
}

/** Phone numbers, with country and operator of numbers and SIMs; null when unknown. */
export interface Telecom {
  /**
   * The number in E.164 format that a text spells, in any of the ways in which people and phones write it; never of more
   * than 64 characters. A number in E.164 format that was normalised before is cheap.
   */
  normalise(text: string): NormalisedNumber;
  /** ISO code of the country of an E.164 number, e.g. `CM`. */
  region(msisdn: string): string | null;
  /** English country name of an E.164 number. */
  country(msisdn: string): string | null;
  /** The operator that the prefix of an E.164 number is assigned to, e.g. `MTN Cameroon`. */
  carrier(msisdn: string): Promise<string | null>;
  /**
   * The calling code of an E.164 number, e.g. `237`, and the networks that this operator has in its country, each as MCC and MNC
   * together, e.g. `62401`; none when the operator is unknown there.
   */
  networks(msisdn: string, operatorName: string): NumberNetworks;
  /** Operator by the IMSI's MCC and MNC; `id` is both together, e.g. `62401`, also of an operator without a known name. */
  operator(imsi: string): { name: string | null; id: string | null };
}

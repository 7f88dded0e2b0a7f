// What inbound SMS need from the outside: their part of the store, and the systems that upstream/ has adapters of.

import type { Deadline } from '../../lib/deadline.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { LimitStore, OutboxStore, RequestContext, SharedStore, TtlStore } from '../shared/ports.ts';
import type { UserKeys } from '../shared/user-keys.ts';
import type { InboundSms, Receipt, SmsOrigin } from './model.ts';

/** The part of the store that inbound SMS use. */
export interface InboundStore {
  readonly inbound: OutboxStore<InboundSms>;
  readonly receipts: TtlStore<Receipt>;
  readonly users: UserKeyStore;
  readonly limits: LimitStore;
  readonly shared?: SharedStore | undefined;
}

/** The keys of paired users. */
export interface UserKeyStore {
  /** Synchronously where they are in memory. */
  get(userId: string): MaybePromise<(UserKeys & { readonly userId: string }) | undefined>;
}

/**
 * Result of looking up the user of an MSISDN:
 * - `found`: its user
 * - `unknown`: it has none
 * - `failed`: the back end or the developer API failed
 * - `overloaded`: too many lookups are running, so that this one was not made
 */
export type UserLookup =
  | { readonly kind: 'found'; readonly userId: string }
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'failed' | 'overloaded';
      /** For operators. */
      readonly reason: string;
    };

/** The developer API and the back end behind it, which know the user of a phone number. */
export interface UserDirectory {
  /** Synchronously where it is cached. */
  userOf(msisdn: string): MaybePromise<UserLookup>;
}

/**
 * Outcome of a call to the Publisher, which delivers a message before it responds, and responds 500 to every failure:
 * - `published`: it has delivered the message
 * - `not sent`: it received no request, or not the whole of it; another attempt cannot deliver the message twice
 * - `refused`: it refused the client (401, 404, 429...), which says nothing about the message; nothing was delivered
 * - `rejected`: it rejected the message itself; another attempt cannot succeed
 * - `failed`: it failed (5xx), probably before it delivered the message
 * - `unknown`: it received the whole request and did not respond; it may have delivered the message
 */
export type Delivery =
  | { readonly kind: 'published' }
  | {
      readonly kind: 'not sent' | 'refused' | 'rejected' | 'failed' | 'unknown';
      /** For operators; contains neither message nor number. */
      readonly reason: string;
    };

/** The Publisher, which sends e-mail and chat messages for users. */
export interface Publisher {
  /**
   * Sends a message with its `id`, by which a Publisher may recognise a repetition. `beforeSend` runs once there is a
   * connection and before anything is sent on it; when it throws, nothing is sent and the error is rethrown.
   */
  publish(id: string, msisdn: string, message: string, beforeSend: () => Promise<void>): Promise<Delivery>;
  /** Lets running calls end before the deadline. @returns how many it interrupted */
  close(deadline?: Deadline): Promise<number>;
}

/** What gateway clients submit, for those who measure which of them work. */
export interface ClientObserver {
  /**
   * Whether the SMS is that of a reliability test: `recorded` when it is of a running one; `refused` when its text looks
   * like one but no running test fits; undefined for every other SMS.
   */
  recognise(
    sms: Pick<InboundSms, 'msisdn' | 'text'> & SmsOrigin,
    context: RequestContext,
  ): MaybePromise<'recorded' | 'refused' | undefined>;
  /** An SMS was published, or kept for delivery. */
  delivered(origin: SmsOrigin, context: RequestContext): void;
}

// The systems that outgoing SMS need; upstream/ has the adapters.

import type { Deadline } from '../../lib/deadline.ts';
import type { UpstreamFailure } from '../shared/upstream-failure.ts';
import type { MessageState, OutgoingMessage, StateCounts } from './message.ts';
import type { Callback, OutgoingSms } from './model.ts';

/**
 * Result of checking the credentials of a developer:
 * - `accepted`, `refused`: they are right, or wrong
 * - `failed`: the developer API failed, which says nothing about the credentials
 * - `overloaded`: too many checks are running, so that this one was not made
 */
export type CredentialCheck =
  | { readonly kind: 'accepted' | 'refused' }
  | UpstreamFailure
  | { readonly kind: 'overloaded'; readonly reason: string };

/** The developer API, which authenticates developers. */
export interface DeveloperApi {
  authenticate(authId: string, authKey: string): Promise<CredentialCheck>;
}

export type SendResult =
  /** `route` is the routing key with which it reached a queue. */
  | { readonly kind: 'sent'; readonly route: string }
  | { readonly kind: 'unroutable' | 'refused' | 'unconfirmed' | 'expired' };

/** The message broker between developers and gateway clients. */
export interface Broker {
  /**
   * Publishes an SMS and waits for the confirm: to the developer's own exchange when a queue is bound there for its network, else
   * to the exchange of phones that listen by operator name, never to both. `unroutable`: no queue in either; `refused`: the queue
   * is full; `unconfirmed`: the confirm is missing, and the broker may have accepted it; `expired`: it was not sent, because it is
   * no longer valid. Throws UNAVAILABLE when it was not sent: no connection, a broker that does not respond or is out of resources,
   * or too many SMS in progress.
   */
  send(sms: OutgoingSms): Promise<SendResult>;
  /** Waits for confirms until the deadline. @returns how many SMS are left without one */
  close(deadline?: Deadline): Promise<number>;
}

/** Developers as users of the broker, each with access to its own names only. */
export interface Tenants {
  /**
   * Creates the user, or updates its password. Throws FORBIDDEN for a broker user that is not a developer, and UPSTREAM.
   */
  subscribe(authId: string, authKey: string): Promise<void>;
  /** Removes the user, if it exists, with its queues. Throws as `subscribe` does. */
  unsubscribe(authId: string): Promise<void>;
  isSubscribed(authId: string): Promise<boolean>;
}

/**
 * Outcome of a callback:
 * - `delivered`: the response was 2xx
 * - `refused`: the URL may not be called, now or later
 * - `failed`: no connection, no response in time, or another status; another attempt may succeed
 */
export type CallbackResult =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'refused' | 'failed';
      /** For operators; quotes no more of the URL than scheme, host and port. */
      readonly reason: string;
    };

/** Sends results to developers over HTTP. */
export interface CallbackSender {
  send(id: string, callback: Callback): Promise<CallbackResult>;
  /** Interrupts the callbacks in flight, which fail. */
  close(): void;
}

/** All of the given values. */
export interface MessageFilters {
  readonly authId?: string;
  readonly uuid?: string;
  readonly number?: string;
  readonly operatorName?: string;
  readonly state?: MessageState;
  /** Unix time in milliseconds. */
  readonly since?: number;
}

export interface MessagePage {
  /** Newest first. */
  readonly messages: readonly OutgoingMessage[];
  /** Where the next page begins; undefined on the last one. A page may be short, even empty, and not the last. */
  readonly next?: string;
}

/**
 * What became of outgoing SMS, bounded in time and number: above the bound the oldest are evicted, those in a final state first.
 * Every change is durable when its promise resolves. Throws UNAVAILABLE.
 */
export interface OutgoingMessageStore {
  /** Adds new messages together; returns those whose ids are taken, which are not added. */
  add(messages: readonly OutgoingMessage[]): Promise<readonly OutgoingMessage[]>;
  get(id: string): Promise<OutgoingMessage | undefined>;
  /** The same, and makes the last change durable if its own promise was rejected. Throws UNAVAILABLE. */
  getDurable(id: string): Promise<OutgoingMessage | undefined>;
  /** Those with these ids, in this order. */
  getAll(ids: readonly string[]): Promise<readonly (OutgoingMessage | undefined)[]>;
  /**
   * Replaces messages together, each while its revision is one less than that of its successor; no two may have the same id.
   * @returns whether each was replaced, in their order
   */
  replaceAll(successors: readonly OutgoingMessage[]): Promise<readonly boolean[]>;
  /** Removes messages, as far as they exist. */
  remove(ids: readonly string[]): Promise<void>;
  /** Those of a request in their order, and those of other requests to which the developer gave the same uuid. */
  ofRequest(authId: string, uuid: string, limit: number): Promise<readonly OutgoingMessage[]>;
  /** @param before `next` of the page before */
  list(
    filters: MessageFilters,
    page: { readonly limit: number; readonly before?: string },
  ): Promise<MessagePage>;
  /** Ids of messages whose `reviewAt` is `now` or earlier, the earliest first. */
  due(now: number, limit: number): Promise<readonly string[]>;
  /** The earliest `reviewAt`; undefined when there is none. */
  nextReviewAt(): Promise<number | undefined>;
  /** Messages in each state. */
  count(): Promise<StateCounts>;
}

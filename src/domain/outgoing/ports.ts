// The systems that outgoing SMS need; upstream/ has the adapters.

import type { Deadline } from '../../lib/deadline.ts';
import type { UpstreamFailure } from '../shared/upstream-failure.ts';
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

/** The message broker between developers and gateway clients. */
export interface Broker {
  /**
   * Publishes an SMS and waits for the confirm: to the developer's own exchange when a queue is bound there for its network, else
   * to the exchange of phones that listen by operator name, never to both. `unroutable`: no queue in either; `refused`: the queue
   * is full; `unconfirmed`: the confirm is missing, and the broker may have accepted it. Throws UNAVAILABLE when it was not sent: no
   * connection, a broker that does not respond or is out of resources, or too many SMS in progress.
   */
  send(sms: OutgoingSms): Promise<'sent' | 'unroutable' | 'refused' | 'unconfirmed'>;
  /** Waits for confirms until the deadline. @returns how many SMS are left without one */
  close(deadline?: Deadline): Promise<number>;
}

/** Developers as users of the broker, each with access to its own names only. */
export interface Tenants {
  /**
   * Creates the user, or updates its password. Throws FORBIDDEN for a broker user that is no developer, and UPSTREAM.
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

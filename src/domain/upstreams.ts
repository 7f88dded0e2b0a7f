// What the domain asks of the systems around it. Adapters live in upstream.

import type { Callback, OutgoingSms, WifiSession } from './model.ts';

/** A platform (mail, chat...) that a user has connected; passed on as the user API gives it. */
export type Platform = Record<string, unknown>;

/** The user management API. */
export interface UserApi {
  /**
   * Checks a password and fetches the user's platforms, logos already absolute.
   * `undefined` when the user or password is wrong; throws UPSTREAM when it fails or answers nonsense.
   */
  authenticate(userId: string, password: string): Promise<Platform[] | undefined>;
}

/** The PCRF, which ends Wi-Fi sessions. */
export interface Pcrf {
  /**
   * Logs the session out and has its MAC forgotten. Throws UPSTREAM (refused, unreachable, nonsense), TIMEOUT,
   * or UNAVAILABLE (no connection of the pool became free in time); the message says which, never the token.
   */
  disconnect(session: WifiSession): Promise<void>;
  close(): Promise<void>;
}

/** The developer API and the back end behind it: who a phone number belongs to. */
export interface UserDirectory {
  /** The user of an MSISDN; undefined when there is none. Throws UPSTREAM when nobody can tell now. */
  userOf(msisdn: string): Promise<string | undefined>;
}

/** The developer API, as it knows developers. */
export interface DeveloperApi {
  /** Whether these are a developer's credentials. Throws UPSTREAM when it cannot tell now. */
  authenticate(authId: string, authKey: string): Promise<boolean>;
}

/** The Publisher, which sends mail and chat. */
export interface Publisher {
  /**
   * Hands a message over; `id` goes with it, so that a Publisher that knows it may drop a repetition.
   * Throws UPSTREAM when it refused the message for good, UNAVAILABLE when trying again makes sense.
   */
  publish(id: string, msisdn: string, message: string): Promise<void>;
  close(): Promise<void>;
}

/** The message broker between developers and gateway clients. */
export interface Broker {
  /**
   * Has the broker take an SMS. `unroutable`: no queue for that operator; `refused`: the queue takes no more;
   * `unconfirmed`: the broker went away or did not say in time, so nobody knows. Throws UNAVAILABLE when it was not even sent: no connection, a broker
   * that is out of resources, or too many under way.
   */
  send(sms: OutgoingSms): Promise<'sent' | 'unroutable' | 'refused' | 'unconfirmed'>;
  close(): Promise<void>;
}

/** Developers as users of the broker, each with rights on its own names only. */
export interface Tenants {
  /** Makes or renews the user with this password. Throws FORBIDDEN for a user who is no developer, UPSTREAM. */
  subscribe(authId: string, authKey: string): Promise<void>;
  /** Removes the user and what it holds; nothing happens when there is none. Throws as `subscribe` does. */
  unsubscribe(authId: string): Promise<void>;
  isSubscribed(authId: string): Promise<boolean>;
}

/** Tells a developer a result over HTTP. */
export interface CallbackSender {
  /** Throws REFUSED when the URL may not be called, UPSTREAM when it did not answer 2xx in time. */
  send(id: string, callback: Callback): Promise<void>;
  /** Breaks off what is under way, which rejects. */
  close(): void;
}

// What pairing needs from the outside; store/, bus/, upstream/ and crypto/ have the adapters.

import type { MaybePromise } from '../../lib/maybe-promise.ts';
import type { Log } from '../shared/ports.ts';
import type { UpstreamFailure } from '../shared/upstream-failure.ts';
import type { PairedUser, Session, SessionEvent, SessionPhone } from './model.ts';

/** Short-lived sessions. Each method is atomic; each state has its own time to live. */
export interface SessionStore {
  /** Adds an open session. When there are too many, evicts the oldest that no socket has attached to. */
  open(userId: string, sessionId: string): Promise<void>;
  /**
   * Attaches a socket to the session, or to the one that rotations have replaced it with. An open session gets a new
   * time to live, and this socket may close it. Undefined when it is unknown.
   */
  attach(userId: string, sessionId: string, socketId: string): Promise<Session | undefined>;
  /** The session that `attach` would return, without a change. */
  find(userId: string, sessionId: string): Promise<Session | undefined>;
  get(userId: string, sessionId: string): Promise<Session | undefined>;
  /**
   * Replaces the id of an open session. A session that a phone has taken is unchanged, and so is one that another
   * socket has attached to since (`kept`). `attach` and `find`, but nothing else, still find it by its initial id.
   * @param socketId undefined for a sync service that does not share the store: nothing closes its sessions, so the
   *   oldest are evicted when there are too many
   */
  rotate(
    userId: string,
    sessionId: string,
    newSessionId: string,
    socketId?: string,
  ): Promise<'rotated' | 'kept' | 'paused' | 'paired' | 'unknown'>;
  /**
   * Assigns an open session to a phone and pauses it. The same public key again is `paused` too (a phone that lost the
   * response) and keeps the first shared key; another public key is `taken`.
   */
  pause(userId: string, sessionId: string, phone: SessionPhone): Promise<'paused' | 'taken' | 'unknown'>;
  /** Marks a paused session as paired; changes no other. */
  complete(userId: string, sessionId: string): Promise<void>;
  remove(userId: string, sessionId: string): Promise<void>;
  /** Removes an open session; `kept` when another socket has attached to it since. */
  close(
    userId: string,
    sessionId: string,
    socketId: string,
  ): Promise<'ended' | 'kept' | 'paused' | 'paired' | 'unknown'>;
}

export interface PasswordClaims {
  /**
   * Binds a password ciphertext (by its digest) to a phone's key (by its fingerprint) for an hour. False when it is
   * bound to another key: somebody replays a captured ciphertext.
   */
  claim(digest: string, fingerprint: string): Promise<boolean>;
}

export interface UserStore {
  /** Synchronously where it is in memory. */
  get(userId: string): MaybePromise<PairedUser | undefined>;
  /** The same, but durable when it resolves: required to acknowledge a repeated request. Throws as `put` does. */
  getDurable(userId: string): Promise<PairedUser | undefined>;
  /** Durable when this resolves. Throws UNAVAILABLE, and keeps the earlier record, when it cannot be stored. */
  put(user: PairedUser): Promise<void>;
  /**
   * Puts the record if the current one is `earlier` (undefined: none); false when another phone has paired meanwhile.
   */
  replace(user: PairedUser, earlier: PairedUser | undefined): Promise<boolean>;
  /**
   * The records, also revoked ones, whose user id begins with `prefix` and is greater than `after`: at most `limit`, in the
   * order of JavaScript's `<`. Skips damaged records. Throws UNAVAILABLE.
   */
  list(prefix: string, limit: number, after?: string): Promise<UserPage>;
}

interface UserPage {
  readonly users: readonly PairedUser[];
  /** The last user id of the page when more follow: `after` of the next page. */
  readonly next?: string | undefined;
}

export interface BusListener {
  onEvent(event: SessionEvent): void;
  /** Events may have been lost: the listener must read its sessions. */
  onMissedEvents(): void;
}

/** Delivers events from the gateway to the socket of the session, in whichever process that is. */
export interface Bus {
  /**
   * Resolves when the event is delivered, or when delivery has failed, which is logged to `log` or the log of the bus:
   * a lost event must not fail a pairing.
   */
  publish(event: SessionEvent, log?: Log): Promise<void>;
  /** Subscribes to the events of a user; active when this resolves. Throws UNAVAILABLE. */
  subscribe(userId: string, listener: BusListener): Promise<void>;
  /** Does nothing for a listener that is not subscribed. */
  unsubscribe(userId: string, listener: BusListener): void;
  close(): Promise<void>;
}

/** The server's own RSA key pair. */
export interface ServerKeys {
  /** SPKI PEM, as sent to phones. */
  readonly publicKeyPem: string;
  /** OAEP decryption (SHA-256, MGF1 with SHA-1); undefined for every kind of failure. */
  decrypt(ciphertext: Uint8Array): Buffer | undefined;
}

/** A platform (e-mail, chat...) that a user has connected; passed on as the user API returns it. */
export type Platform = Record<string, unknown>;

/**
 * Result of checking a password:
 * - `accepted`: it is the user's; with the user's platforms, whose logos have absolute URLs
 * - `refused`: wrong user or password
 * - `failed`: the API failed, which says nothing about the password
 */
export type Authentication =
  | { readonly kind: 'accepted'; readonly platforms: readonly Platform[] }
  | { readonly kind: 'refused' }
  | UpstreamFailure;

/** The user management API. */
export interface UserApi {
  authenticate(userId: string, password: string): Promise<Authentication>;
}

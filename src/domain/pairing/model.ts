// Pairing sessions and paired users as the store keeps them.

import type { UserKeys } from '../shared/user-keys.ts';

/**
 * - `open`: its URL may be scanned; rotation replaces it
 * - `paused`: a phone has posted its key; waits for the password
 * - `paired`: acknowledged; kept for a while, so that a phone that lost the response may repeat its request
 */
export type SessionState = 'open' | 'paused' | 'paired';

/** One run of pairing: short-lived, identified by user id and session id together. */
export interface Session {
  readonly userId: string;
  readonly sessionId: string;
  readonly state: SessionState;
  /** Present from `paused` on. */
  readonly phone?: SessionPhone;
}

/** The phone that holds a session, and the key that it will share with the server once paired. */
export interface SessionPhone {
  /** The phone's RSA public key, SPKI PEM. */
  readonly publicKey: string;
  /** Generated once a session, so that a phone that repeats its request gets the same one. Secret. */
  readonly sharedKey: string;
}

/** A user whose phone has paired: the durable outcome of a session. */
export interface PairedUser extends UserKeys {
  readonly userId: string;
  /** The session that made this pairing. */
  readonly sessionId: string;
  /** The phone's RSA public key, SPKI PEM. */
  readonly publicKey: string;
  /** Unix time in seconds. */
  readonly pairedAt: number;
  /** SHA-256 of the password ciphertexts that were accepted, newest first: none is accepted for another key. */
  readonly passwordDigests: readonly string[];
  /** SHA-256 of shared keys that were revoked, newest first: a phone that repeats its request gets none of them back. */
  readonly revokedKeys?: readonly string[];
}

/** A phone has taken a session, or has paired: for the web page or terminal that shows the session's QR code. */
export interface SessionEvent {
  readonly kind: 'pause' | 'ack';
  readonly userId: string;
  readonly sessionId: string;
}

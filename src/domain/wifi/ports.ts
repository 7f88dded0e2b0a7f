// What disconnects need from the outside; upstream/ and crypto/ have the adapters.

import type { Deadline } from '../../lib/deadline.ts';
import type { WifiSession } from './model.ts';
import type { Verdict } from './verification.ts';

/** Verifies tokens with the current key and rules. */
export interface TokenVerifier {
  /** The claims of a valid token. Throws UNAUTHENTICATED with every rule that the token violates. */
  verify(token: string): Readonly<Record<string, unknown>>;
}

/** The systems that can end a session. */
export const backendNames = ['pcrf', 'radius'] as const;
export type BackendName = (typeof backendNames)[number];

/**
 * Why a backend did not end the session:
 * - `rejected`: it responded, but not with success
 * - `already gone`: it responded that it knows no such session
 * - `unreachable`: no connection was made, or no packet could be sent
 * - `invalid response`: the response ended early, or is too large
 * - `timeout`: no whole response in time
 * - `busy`: no connection of the pool, or no packet identifier, became free in time
 * - `stopping`: swob is shutting down
 * - `bad session`: a value of the session cannot be sent, so that nothing was sent
 */
export type BackendFailure =
  | 'rejected'
  | 'already gone'
  | 'unreachable'
  | 'invalid response'
  | 'timeout'
  | 'busy'
  | 'stopping'
  | 'bad session';

/** Outcome of a call to a backend. */
export type BackendResult = BackendDetails &
  (
    | { readonly kind: 'disconnected' }
    | {
        readonly kind: BackendFailure;
        /** For operators and clients; holds no token. */
        readonly reason: string;
      }
  );

/** What else is known of a call to a backend. */
export interface BackendDetails {
  /** Requests sent, retransmissions included; absent where the backend does not count them. */
  readonly attempts?: number;
  /** The section of the NAS: `branch` of `[nas branch]`. */
  readonly nas?: string;
  /** Of several servers the one that answered, or else the last that was called: `10.0.0.1:7070`. */
  readonly host?: string;
  /** Why servers before it did not answer. */
  readonly failedHosts?: readonly string[];
  /** The Error-Cause of a RADIUS NAK (RFC 5176, section 3.6). */
  readonly errorCause?: number;
  /** What the backend cannot do of what a disconnect should do, as sentences for operators and clients. */
  readonly notDone?: readonly string[];
}

/** A system that ends Wi-Fi sessions. */
export interface DisconnectBackend {
  readonly name: BackendName;
  /** Ends the session and removes its MAC address where the system can do that. */
  disconnect(session: WifiSession): Promise<BackendResult>;
}

/** What the PCRF says about a session, with the reason where it says nothing. */
export interface PresenceAnswer {
  readonly presence: Verdict;
  readonly reason?: string;
}

/** The PCRF, which ends Wi-Fi sessions. */
export interface Pcrf extends DisconnectBackend {
  /** Requests once whether it has the session. Takes `withinMs` at most; never rejects. */
  query(session: WifiSession, withinMs: number): Promise<PresenceAnswer>;
  /** Lets running calls end before the deadline. @returns how many it interrupted */
  close(deadline?: Deadline): Promise<number>;
}

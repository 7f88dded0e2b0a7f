// What disconnects need from the outside; upstream/ and crypto/ have the adapters.

import type { Deadline } from '../../lib/deadline.ts';
import type { WifiSession } from './model.ts';

/** Verifies tokens with the current key and rules. */
export interface TokenVerifier {
  /** The claims of a valid token. Throws UNAUTHENTICATED with every rule that the token violates. */
  verify(token: string): Readonly<Record<string, unknown>>;
}

/**
 * Outcome of a call to the PCRF:
 * - `disconnected`: it ended the session
 * - `rejected`: it responded, but not with success
 * - `unreachable`: no connection was made
 * - `invalid response`: the response ended early, or is too large
 * - `timeout`: no whole response in time
 * - `busy`: no connection of the pool became free in time
 * - `stopping`: swob is shutting down
 * - `bad session`: a value has no UTF-8, so that nothing was sent
 */
export type DisconnectResult =
  | { readonly kind: 'disconnected' }
  | {
      readonly kind: DisconnectFailure;
      /** For operators and clients; holds no token. */
      readonly reason: string;
    };

type DisconnectFailure =
  | 'rejected'
  | 'unreachable'
  | 'invalid response'
  | 'timeout'
  | 'busy'
  | 'stopping'
  | 'bad session';

/** The PCRF, which ends Wi-Fi sessions. */
export interface Pcrf {
  /** Ends the session and removes its MAC address. */
  disconnect(session: WifiSession): Promise<DisconnectResult>;
  /** Lets running calls end before the deadline. @returns how many it interrupted */
  close(deadline?: Deadline): Promise<number>;
}

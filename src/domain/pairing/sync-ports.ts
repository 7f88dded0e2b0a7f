// The sessions as the sync service needs them: sync-sessions.ts implements them on a store, upstream/ on a remote
// gateway.

import type { Session, SessionState } from './model.ts';

/** A socket and the session that it shows. */
interface SyncSocket {
  readonly userId: string;
  /** The current id of the session. */
  readonly sessionId: string;
  /** Of the session as the socket was opened with it. */
  readonly initialSessionId: string;
  /** Random; distinguishes sockets that show the same session. */
  readonly socketId: string;
}

export type SyncSession = Pick<Session, 'sessionId' | 'state'>;

/** A session that a phone has taken; its id may differ from the one that the socket shows. */
type HeldSession = Pick<Session, 'sessionId'> & { readonly state: 'paused' | 'paired' };

/**
 * Why an operation has no outcome:
 * - `unavailable`: the store cannot be used now; the session may still exist when it can
 * - `failed`: the gateway in another process failed
 */
export interface SessionFailure {
  readonly kind: 'unavailable' | 'failed';
  /** For operators. */
  readonly reason: string;
}

/** The operations of a socket on its session. They throw only because of defects. */
export interface SyncSessions {
  /** Attaches a socket to a session; `sessionId` may be a new id that has replaced the initial one. */
  attach(
    userId: string,
    openedWith: string,
    socketId: string,
  ): Promise<SyncSession | 'unknown' | SessionFailure>;
  /** Replaces the id of the session, unless a phone has taken it or another socket rotates it. */
  rotate(socket: SyncSocket): Promise<SyncSession | 'unknown' | SessionFailure>;
  /** The state of the session, for when events may have been lost; `unknown` also where it cannot be read. */
  stateOf(userId: string, sessionId: string): Promise<SessionState | 'unknown' | SessionFailure>;
  /** Removes an open session, unless a phone has taken it or another socket has attached to it. */
  close(socket: SyncSocket): Promise<'ended' | HeldSession | SessionFailure>;
}

export function isSessionFailure(outcome: string | object): outcome is SessionFailure {
  return typeof outcome === 'object' && 'reason' in outcome;
}

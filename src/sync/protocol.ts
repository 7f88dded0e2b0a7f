// What the sync websocket speaks: paths, frames and close codes. CONTRACT.md, "Sync websocket".

/** Close codes, with the reason that goes with each. 4000 and above are ours (RFC 6455, 7.4.2). */
export const closing = {
  paired: { code: 1000, reason: 'paired' },
  limitReached: { code: 1000, reason: 'session change limit reached' },
  done: { code: 1000, reason: 'done' },
  stopping: { code: 1001, reason: 'server stopping' },
  tooManyFrames: { code: 1008, reason: 'too many frames' },
  gatewayFailed: { code: 1011, reason: 'the gateway does not answer' },
  unknownSession: { code: 4404, reason: 'unknown session' },
  pausedTooLong: { code: 4408, reason: 'paused too long' },
  alreadyConnected: { code: 4409, reason: 'session already connected' },
} as const;

export type Closing = (typeof closing)[keyof typeof closing];

export const frames = { pause: '201- pause', ack: '200- ack' } as const;

/** Bounds on what a client may send; its frames are read only to be ignored. */
export const bounds = {
  /** Bytes of a message. */
  maxPayload: 4 * 1024,
  /** Fragments of a message. */
  maxFragments: 64,
  /** Messages in a socket's life. */
  maxMessages: 1_000,
  /** Bytes that may wait for a peer that does not read. */
  maxBuffered: 64 * 1024,
  /** A peer must answer a ping before the next one is due. */
  pingEveryMs: 15_000,
} as const;

export interface SyncPath {
  readonly action: 'init' | 'pause' | 'ack';
  readonly userId: string;
  readonly sessionId: string;
}

/** `/v2/sync/<action>/<user>/<session>`; undefined for any other path. A query is ignored. */
export function parseSyncPath(url: string): SyncPath | undefined {
  const match = /^\/v2\/sync\/(init|pause|ack)\/([^/?#]+)\/([^/?#]+)(?:\?.*)?$/.exec(url);
  if (!match) return undefined;
  try {
    const [action, userId, sessionId] = match.slice(1).map(decodeURIComponent);
    if (action !== 'init' && action !== 'pause' && action !== 'ack') return undefined;
    return userId && sessionId ? { action, userId, sessionId } : undefined;
  } catch {
    return undefined;
  }
}

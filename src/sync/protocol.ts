// The protocol of the sync websocket: paths, frames and bounds. docs/protocol.md, "Sync websocket".

export const frames = { pause: '201- pause', ack: '200- ack' } as const;

/** Bounds on what a client may send; its messages are ignored. */
export const socketBounds = {
  /** Bytes of a message. */
  maxPayload: 4 * 1024,
  /** Fragments of a message. */
  maxFragments: 64,
  /** Messages over the life of a socket. */
  maxMessages: 1_000,
  /** Bytes buffered for a peer that does not read. */
  maxBuffered: 64 * 1024,
  /** A peer must answer a ping before the next one. */
  pingIntervalMs: 15_000,
} as const;

export interface SyncPath {
  readonly action: 'init' | 'pause' | 'ack';
  readonly userId: string;
  readonly sessionId: string;
}

/** Parses `/v2/sync/<action>/<user>/<session>`, ignoring a query; undefined for any other path. */
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

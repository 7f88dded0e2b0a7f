// Finds peers that vanished without a word: a ping every 15 s, and whoever missed the last one is dropped.

import type { WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../domain/ports.ts';
import { bounds } from './protocol.ts';

export interface KeepAlive {
  /** To be called for each new peer. */
  watch(peer: WebSocket): void;
  stop(): void;
}

export function createKeepAlive(sockets: WebSocketServer, clock: Clock): KeepAlive {
  const unanswered = new WeakSet<WebSocket>();
  const stop = clock.every(bounds.pingEveryMs, () => {
    for (const peer of sockets.clients) {
      if (unanswered.has(peer) || peer.bufferedAmount > bounds.maxBuffered) {
        peer.terminate();
      } else {
        unanswered.add(peer);
        peer.ping();
      }
    }
  });
  return { watch: (peer) => void peer.on('pong', () => unanswered.delete(peer)), stop };
}

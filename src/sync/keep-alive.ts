// Finds peers that vanished without a word: a ping every 15 s, and whoever missed the last one is dropped.

import type { WebSocket } from 'ws';
import type { Clock } from '../domain/ports.ts';
import { bounds } from './protocol.ts';

export interface KeepAlive {
  /** To be called for each new peer. */
  watch(peer: WebSocket): void;
  stop(): void;
}

export function createKeepAlive(peers: ReadonlyMap<WebSocket, unknown>, clock: Clock): KeepAlive {
  const unanswered = new WeakSet<WebSocket>();
  const stop = clock.every(bounds.pingEveryMs, () => {
    for (const peer of peers.keys()) {
      if (unanswered.has(peer) || peer.bufferedAmount > bounds.maxBuffered) {
        peer.terminate();
      } else {
        unanswered.add(peer);
        peer.ping();
      }
    }
  });
  function onPong(this: WebSocket): void {
    unanswered.delete(this);
  }
  return { watch: (peer) => void peer.on('pong', onPong), stop };
}

// Detects broken websocket connections: pings every peer, and terminates those that did not answer the previous ping.

import type { WebSocket } from 'ws';
import type { Clock } from '../domain/shared/ports.ts';
import { socketBounds } from './protocol.ts';

export interface Heartbeat {
  /** To be called for each new peer. */
  watch(peer: WebSocket): void;
  stop(): void;
}

export function createHeartbeat(peers: ReadonlyMap<WebSocket, unknown>, clock: Clock): Heartbeat {
  const unanswered = new WeakSet<WebSocket>();
  const stop = clock.every(socketBounds.pingIntervalMs, () => {
    for (const peer of peers.keys()) {
      if (unanswered.has(peer) || peer.bufferedAmount > socketBounds.maxBuffered) {
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

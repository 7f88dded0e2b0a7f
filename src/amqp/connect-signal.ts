// Ends connections to the broker that are still being opened, when a client closes. Used by connection.ts and consumer.ts.
//
// Not an AbortSignal alone: node:net (20.20) adds a listener to it for each connection and never removes it, so that every attempt
// of a long outage would be kept in memory.

import { getEventListeners } from 'node:events';

export interface ConnectSignal {
  /** For the option `signal` of node:net and node:tls. */
  readonly signal: AbortSignal;
  /** To be called when a connection has failed or closed, before the next is opened: forgets it. */
  reset(): void;
  /** Destroys the connection. */
  abort(): void;
}

export function createConnectSignal(): ConnectSignal {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    signal,
    reset: () => {
      for (const listener of getEventListeners(signal, 'abort')) {
        // Safe cast: only event listeners were added.
        signal.removeEventListener('abort', listener as () => void);
      }
    },
    abort: () => controller.abort(),
  };
}
